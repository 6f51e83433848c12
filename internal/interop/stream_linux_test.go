package interop_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// message is the payload of message i of a stream: what the C peer makes, too.
func message(i, longest int) []byte {
	x := uint64(i)*0x9E3779B97F4A7C15 + 1
	span := longest
	if i%64 != 63 && longest > 256 {
		span = 256
	}
	n := int((x >> 32) % uint64(span+1))
	b := make([]byte, 0, n+8)
	for len(b) < n {
		x = x*6364136223846793005 + 1442695040888963407
		b = binary.LittleEndian.AppendUint64(b, x)
	}
	return b[:n]
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// digest goes on from the digest of the messages before.
func digest(crc uint32, payload []byte, typ uint16) uint32 {
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[4:], uint32(typ))
	return crc32.Update(crc32.Update(crc, castagnoli, head[:]), castagnoli, payload)
}

// send sends messages first to n - 1 and closes, and returns the digest of them.
func send(t *testing.T, p *shmpipe.Producer, first, n int) (sum uint32) {
	ctx := soon(t)
	for i := first; i < n; i++ {
		m := message(i, longest)
		p.SetType(uint16(i))
		if err := p.Send(ctx, m); err != nil {
			require.NoError(t, err, "message %d", i)
		}
		sum = digest(sum, m, uint16(i))
	}
	require.NoError(t, p.Close())
	return sum
}

// receive receives messages from first on and checks each, until there is an error. It returns the number of the next.
func receive(t *testing.T, c *shmpipe.Consumer, first, span int) (next int, sum uint32, err error) {
	ctx := soon(t)
	buf := make([]byte, longest)
	for i := first; ; i++ {
		n, err := c.Receive(ctx, buf)
		if err != nil {
			return i, sum, err
		}
		if string(buf[:n]) != string(message(i, span)) || c.Type() != uint16(i) || c.Redelivered() {
			require.FailNow(t, "not the message that was sent", "message %d: %d bytes, type %d", i, n, c.Type())
		}
		sum = digest(sum, buf[:n], c.Type())
	}
}

func producer(t *testing.T, pipe *shmpipe.Pipe) *shmpipe.Producer {
	p, err := pipe.Producer()
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func consumer(t *testing.T, pipe *shmpipe.Pipe) *shmpipe.Consumer {
	c, err := pipe.Consumer()
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func stats(t *testing.T, pipe *shmpipe.Pipe) shmpipe.Stats {
	s, err := pipe.Stats()
	require.NoError(t, err)
	return s
}

func alive(t *testing.T, pipe *shmpipe.Pipe, role string) bool {
	info, err := pipe.Info()
	require.NoError(t, err)
	for _, p := range info.Participants {
		if p.Role == role {
			return p.State == "alive"
		}
	}
	return false
}

// overwrite changes a byte of the segment x.
func (b *bench) overwrite(t *testing.T, offset int64, value byte) {
	f, err := os.OpenFile(filepath.Join(b.dir, "shmpipe.x"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{value}, offset)
	require.NoError(t, err)
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func eventuallyTrue(condition func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		if condition() {
			return true
		}
	}
	return false
}

func eventually(t *testing.T, condition func() bool) {
	require.True(t, eventuallyTrue(condition), "it did not come about")
}
