//go:build linux

package shmpipe_test

import (
	"encoding/binary"
	"errors"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// A numbered message says who sent it and as which, and its length and every byte follow from that: a message that is torn, cut or
// mixed with another shows.
func numbered(buf []byte, sender, seq uint64) []byte {
	b := buf[:16+(seq*2654435761+sender)%400]
	binary.LittleEndian.PutUint64(b, sender)
	binary.LittleEndian.PutUint64(b[8:], seq)
	for i := 16; i < len(b); i++ {
		b[i] = byte(seq) + byte(i)*7 + byte(sender)
	}
	return b
}

func checkNumbered(msg []byte) (sender, seq uint64, err error) {
	if len(msg) < 16 {
		return 0, 0, errors.New("message is too short")
	}
	sender, seq = binary.LittleEndian.Uint64(msg), binary.LittleEndian.Uint64(msg[8:])
	if want := 16 + (seq*2654435761+sender)%400; uint64(len(msg)) != want {
		return 0, 0, errors.New("message is cut or torn")
	}
	for i := 16; i < len(msg); i++ {
		if msg[i] != byte(seq)+byte(i)*7+byte(sender) {
			return 0, 0, errors.New("message is torn at byte " + strconv.Itoa(i))
		}
	}
	return sender, seq, nil
}

func readNumbered(t testing.TB, msg []byte) (sender, seq uint64) {
	t.Helper()
	sender, seq, err := checkNumbered(msg)
	require.NoError(t, err)
	return sender, seq
}

// roleSendNumbers sends numbered messages without end, in all ways that there are, and counts on a board those whose Send returned.
// Its number as a sender is its place on the board; without a board it is 0.
func roleSendNumbers(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[1], &shmpipe.Options{Backend: b})
	if err != nil {
		return err
	}
	v, err := p.Producer()
	if err != nil {
		return err
	}
	sender, ways := uint64(0), 1
	report := func(uint64) {}
	if args[2] != "-" {
		board, err := shmtest.OpenBoard(args[2])
		if err != nil {
			return err
		}
		if sender, err = strconv.ParseUint(args[3], 10, 64); err != nil {
			return err
		}
		ways = 3
		report = board.At(int(sender)).Store
	}
	shmtest.Say("sending")
	random := shmtest.NewRand(sender)
	var bufs [4][1024]byte
	for seq := uint64(0); ; {
		n := uint64(1)
		switch random.IntN(ways) {
		case 0:
			err = v.Send(ctx, numbered(bufs[0][:], sender, seq))
		case 1:
			var c shmpipe.Claim
			if c, err = v.Claim(ctx, 600); err == nil {
				err = c.Commit(len(numbered(c.Bytes(), sender, seq)))
			}
		case 2:
			var msgs [][]byte
			for n = range uint64(len(bufs)) {
				msgs = append(msgs, numbered(bufs[n][:], sender, seq+n))
			}
			n++
			_, err = v.SendBatch(ctx, msgs)
		}
		if err == shmpipe.ErrPeerDied {
			shmtest.Hear() // to be killed as well
		}
		if err != nil {
			return err
		}
		seq += n
		report(seq)
	}
}
