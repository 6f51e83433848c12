package vyukov

import (
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
)

func TestMain(m *testing.M) {
	os.Exit(shmtest.Main(m, map[string]shmtest.Role{"producer": produceRole, "consumer": consumeRole}))
}

// inMemory is a queue in memory of this process, where the race detector sees every access.
func inMemory(t testing.TB, slots, payload int) *Queue {
	t.Helper()
	require.NoError(t, checkGeometry(slots, payload))
	q, err := format(make([]byte, Bytes(slots, payload)), slots, payload)
	require.NoError(t, err)
	return q
}

// inFile is a queue in a file, which goes when the test ends.
func inFile(t testing.TB, slots, payload int) (*Queue, string) {
	t.Helper()
	path := filepath.Join(shmtest.Dir(t), "queue")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	q, err := Create(f, slots, payload)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q, path
}

func openFile(t testing.TB, path string) (*Queue, error) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	q, err := Open(f)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, q.Close()) })
	}
	return q, err
}

func message(payload int, number uint64) []byte {
	b := make([]byte, max(8, payload))
	binary.LittleEndian.PutUint64(b, number)
	for i := 8; i < len(b); i++ {
		b[i] = byte(number*31 + uint64(i))
	}
	return b[:payload]
}

func TestQueue_KeepsOrderAndContentsOverManyLaps(t *testing.T) {
	for _, payload := range []int{1, 7, 8, 9, 56, 64, 100} {
		q := inMemory(t, 4, payload)
		buf := make([]byte, payload+3)
		sent, received := uint64(0), uint64(0)
		random := shmtest.Rand(t)
		for range 1000 {
			for range random.IntN(6) {
				full := sent-received == 4
				require.Equal(t, !full, q.Enqueue(message(payload, sent)), "payload %d, %d sent, %d received", payload, sent, received)
				if !full {
					sent++
				}
			}
			for range random.IntN(6) {
				n, ok := q.Dequeue(buf)
				require.Equal(t, sent != received, ok)
				if ok {
					require.Equal(t, message(payload, received), buf[:n])
					received++
				}
			}
		}
		require.NotZero(t, received)
	}
}

func TestQueue_PanicsForMessagesOfAnotherLength(t *testing.T) {
	q := inMemory(t, 2, 16)
	require.PanicsWithValue(t, "vyukov: 15 bytes, want 16, as the queue was made", func() { q.Enqueue(make([]byte, 15)) })
	require.PanicsWithValue(t, "vyukov: 15 bytes, want 16, as the queue was made", func() { q.Dequeue(make([]byte, 15)) })
	require.True(t, q.Enqueue(make([]byte, 16)))
}

func TestQueue_SurvivesThePositionsWrap(t *testing.T) {
	q := inMemory(t, 4, 8)
	start := ^uint64(0) - 5
	q.enqueuePos.Store(start)
	q.dequeuePos.Store(start)
	for i := range uint64(4) {
		q.cell(start + i).sequence().Store(start + i)
	}
	buf := make([]byte, 8)
	for i := range uint64(20) {
		require.True(t, q.Enqueue(message(8, i)))
		require.True(t, q.Enqueue(message(8, i+1000)))
		for _, want := range []uint64{i, i + 1000} {
			_, ok := q.Dequeue(buf)
			require.True(t, ok)
			require.Equal(t, want, binary.LittleEndian.Uint64(buf))
		}
	}
}

func TestQueue_AllocatesNothing(t *testing.T) {
	q := inMemory(t, 8, 64)
	msg, buf := make([]byte, 64), make([]byte, 64)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		q.Enqueue(msg)
		q.Dequeue(buf)
	}))
}

func TestOpen_SeesWhatAnotherHandleSent(t *testing.T) {
	q, path := inFile(t, 8, 24)
	other, err := openFile(t, path)
	require.NoError(t, err)
	require.Equal(t, 8, other.Slots())
	require.Equal(t, 24, other.Payload())
	require.True(t, q.Enqueue(message(24, 5)))
	buf := make([]byte, 24)
	n, ok := other.Dequeue(buf)
	require.True(t, ok)
	require.Equal(t, message(24, 5), buf[:n])
	require.NoError(t, other.Close())
	require.NoError(t, other.Close(), "again")
}

func TestOpen_RejectsWhatIsNoQueue(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":            func([]byte) []byte { return nil },
		"no magic":         func(b []byte) []byte { b[offMagic]++; return b },
		"truncated":        func(b []byte) []byte { return b[:len(b)-1] },
		"slots not 2^n":    func(b []byte) []byte { b[offSlots] = 7; return b },
		"slots negative":   func(b []byte) []byte { b[offSlots+7] = 0x80; return b },
		"payload of 0":     func(b []byte) []byte { b[offPayload] = 0; return b },
		"payload enormous": func(b []byte) []byte { b[offPayload+6] = 0x7f; return b },
		"slots enormous":   func(b []byte) []byte { b[offSlots], b[offSlots+4] = 0, 0x80; return b },
	} {
		t.Run(name, func(t *testing.T) {
			_, path := inFile(t, 8, 24)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			bad := filepath.Join(filepath.Dir(path), "bad")
			require.NoError(t, os.WriteFile(bad, spoil(b), 0o600))
			_, err = openFile(t, bad)
			require.ErrorIs(t, err, ErrNotQueue)
		})
	}
}

func TestCreate_RejectsGeometriesThatCannotBe(t *testing.T) {
	path := filepath.Join(shmtest.Dir(t), "queue")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for _, g := range [][2]int{{0, 8}, {1, 8}, {3, 8}, {-2, 8}, {4, 0}, {4, -1}, {1 << 40, 8}, {4, 1 << 41}} {
		_, err := Create(f, g[0], g[1])
		require.ErrorIs(t, err, fs.ErrInvalid, "%v", g)
	}
}

func TestSlotsFor_ComesAsCloseAsAPowerOfTwoCan(t *testing.T) {
	for _, c := range []struct{ bytes, payload, slots int }{
		{4 << 20, 8, 1 << 18},  // strides of 16: exactly
		{4 << 20, 64, 1 << 16}, // strides of 72: 58,254, and 65,536 is nearer than 32,768
		{4 << 20, 1024, 1 << 12},
		{4 << 20, 256, 1 << 14},
		{100, 8, 8}, // 6.25: a ratio of 1.28 against 1.56
		{80, 8, 4},  // 5: a ratio of 1.25 against 1.6
		{0, 8, 2},
	} {
		require.Equal(t, c.slots, SlotsFor(c.bytes, c.payload), "%d bytes of %d", c.bytes, c.payload)
	}
}

func TestLayout_IsTheTextbooks(t *testing.T) {
	require.Equal(t, 16, stride(1))
	require.Equal(t, 16, stride(8))
	require.Equal(t, 24, stride(9))
	require.Equal(t, 64, stride(56))
	require.Equal(t, 72, stride(64), "no padding to a cache line")
	for _, offset := range []int{offEnqueue, offDequeue, offCells} {
		require.Zero(t, offset%128, "on a line of its own")
	}
	q, path := inFile(t, 2, 8)
	require.True(t, q.Enqueue([]byte("abcdefgh")))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Len(t, b, offCells+2*16)
	require.Equal(t, "abcdefgh", string(b[offCells+8:offCells+16]))
	require.EqualValues(t, 1, b[offEnqueue])
	require.EqualValues(t, 0, b[offDequeue])
	require.EqualValues(t, []byte{1, 1}, []byte{b[offCells], b[offCells+16]}, "sequences: slot 0 holds position 0, slot 1 is free")
	require.Equal(t, uint64(magic), binary.LittleEndian.Uint64(b))
}
