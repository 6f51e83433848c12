package mqueue

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

func TestMain(m *testing.M) { os.Exit(shmtest.Main(m, roles)) }

var kinds = []Kind{POSIX, SysV}

func forEach(t *testing.T, f func(t *testing.T, k Kind)) {
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) { f(t, k) })
	}
}

func made(t *testing.T, k Kind, g Geometry) (*Queue, string) {
	t.Helper()
	name := shmtest.TempName(t)
	var q *Queue
	var err error
	// All queues of a user share one limit, so those of tests that run beside may leave too little for a moment.
	shmtest.Eventually(t, "room for a queue", func() bool {
		q, err = Create(k, name, g, Options{})
		return !errors.Is(err, unix.EMFILE)
	})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		q.Close()
		_ = Remove(k, name, Options{}, true) // it may be gone
	})
	return q, name
}

func sender(t *testing.T, q *Queue) *Sender {
	t.Helper()
	s, err := q.Sender(EndOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		if s.lease >= 0 {
			s.Close()
		}
	})
	return s
}

func receiver(t *testing.T, q *Queue) *Receiver {
	t.Helper()
	r, err := q.Receiver(EndOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		if r.lease >= 0 {
			r.Close()
		}
	})
	return r
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// expect receives a message.
func expect(t *testing.T, r *Receiver, want []byte) {
	t.Helper()
	got, _, _, err := r.Next(soon(t))
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "got %d bytes, want %d", len(got), len(want))
}

// numbered is a message whose length and bytes follow from two numbers.
func numbered(sender, seq, most int) []byte {
	size := 8 + (seq*7919+sender*104729)%most
	b := make([]byte, size)
	b[0], b[1], b[2], b[3] = byte(sender), byte(seq), byte(seq>>8), byte(seq>>16)
	for i := 4; i < size; i++ {
		b[i] = byte(i*3 + seq + sender*17)
	}
	return b
}

func readNumbered(b []byte, most int) (sender, seq int, ok bool) {
	if len(b) < 8 {
		return 0, 0, false
	}
	sender, seq = int(b[0]), int(b[1])|int(b[2])<<8|int(b[3])<<16
	return sender, seq, bytes.Equal(b, numbered(sender, seq, most))
}

var roles = map[string]shmtest.Role{"send": roleSend, "receive": roleReceive, "create": roleCreate}

func open(args []string) (*Queue, error) {
	k := POSIX
	if args[0] == SysV.String() {
		k = SysV
	}
	return Open(k, args[1], Options{})
}

// roleSend sends numbered messages: as args[2], from args[3] on, so many as args[4], each of up to args[5] bytes.
func roleSend(args []string) error {
	q, err := open(args)
	if err != nil {
		return err
	}
	s, err := q.Sender(EndOptions{Follow: true})
	if err != nil {
		return err
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(args[2+i])
	}
	shmtest.Say("sending")
	for seq := n[1]; seq < n[1]+n[2]; seq++ {
		if err := s.Send(context.Background(), numbered(n[0], seq, n[3]), uint16(n[0])); err != nil {
			return err
		}
	}
	return s.Close()
}

// roleReceive receives until the end of stream, which comes after args[2] senders, and says the number of each message.
func roleReceive(args []string) error {
	q, err := open(args)
	if err != nil {
		return err
	}
	senders, _ := strconv.Atoi(args[2])
	most, _ := strconv.Atoi(args[3])
	r, err := q.Receiver(EndOptions{Producers: senders})
	if err != nil {
		return err
	}
	for {
		b, typ, _, err := r.Next(context.Background())
		if err != nil {
			shmtest.Say("end %v", err)
			return r.Close()
		}
		sender, seq, ok := readNumbered(b, most)
		if !ok || int(typ) != sender {
			return errors.New("a message is torn")
		}
		shmtest.Say("%d %d", sender, seq)
	}
}

// roleCreate makes a queue, or finds it made, and holds it.
func roleCreate(args []string) error {
	k := POSIX
	if args[0] == SysV.String() {
		k = SysV
	}
	_, err := Create(k, args[1], Geometry{Mode: protocol.MPMC}, Options{})
	switch {
	case err == nil:
		shmtest.Say("made")
	case errors.Is(err, os.ErrExist):
		shmtest.Say("exists")
	default:
		return err
	}
	shmtest.Hear()
	return nil
}
