package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"shmpipe"
)

// A producer without a name makes a memfd and writes one line to its standard output, a pipe that a consumer reads:
//
//	shmpipe 1 PID FD UUID
//
// The consumer opens /proc/PID/fd/FD, and takes the segment only if it has that UUID. Nothing else goes through the pipe.
type handshake struct {
	pid, fd int
	uuid    string
}

const (
	handshakeFormat = "shmpipe 1 %d %d %s\n"
	handshakeMost   = 128 // bytes; a line that is longer is none of ours
)

func (h handshake) String() string { return fmt.Sprintf(handshakeFormat, h.pid, h.fd, h.uuid) }

func isPipe(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&fs.ModeNamedPipe != 0
}

// offer makes an anonymous segment, takes its producer's role, announces it on stdout, and waits until a consumer is there. The
// descriptor that it announces stays open for that long.
func offer(ctx context.Context, stdout *os.File, limit time.Duration, geo shmpipe.Geometry, o shmpipe.Options) (*shmpipe.Pipe, *shmpipe.Producer, error) {
	o.Backend, o.Transient = shmpipe.Memfd, false // it goes with the last process that has it
	pipe, err := shmpipe.Create("anonymous", geo, &o)
	if err != nil {
		return nil, nil, err
	}
	p, err := announce(ctx, stdout, limit, pipe)
	if err != nil {
		return nil, nil, errors.Join(err, pipe.Close())
	}
	return pipe, p, nil
}

func announce(ctx context.Context, stdout *os.File, limit time.Duration, pipe *shmpipe.Pipe) (*shmpipe.Producer, error) {
	p, err := pipe.Producer() // first, so that the consumer finds a producer
	if err != nil {
		return nil, err
	}
	if err := introduce(ctx, stdout, limit, pipe); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// introduce writes the line and waits for the consumer to attach.
func introduce(ctx context.Context, stdout *os.File, limit time.Duration, pipe *shmpipe.Pipe) error {
	info, err := pipe.Info()
	if err != nil {
		return err
	}
	f, err := pipe.File()
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := fmt.Fprint(stdout, handshake{os.Getpid(), int(f.Fd()), info.UUID}); err != nil {
		return fmt.Errorf("nobody reads standard output, want `shmpipe consumer` there: %w", err)
	}
	for deadline := time.Now().Add(limit); ; {
		if consumerCame(pipe) {
			return nil
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(deadline):
			return fmt.Errorf("nobody came for the data within %v: what reads standard output must be `shmpipe consumer`; to use another program, pipe through it: shmpipe producer | shmpipe consumer | PROGRAM", limit)
		case readerGone(stdout, time.Millisecond) && !consumerCame(pipe): // it waits a little
			return errors.New("who read standard output is gone and has not taken the data: it must be `shmpipe consumer`")
		}
	}
}

func consumerCame(pipe *shmpipe.Pipe) bool {
	state := participantState(pipe, "consumer")
	return state != "" && state != "never"
}

// errReaderGone: the consumer at the other end of standard output has ended.
var errReaderGone = errors.New("consumer has ended")

// watchReader ends the returned context with errReaderGone when nobody reads stdout any more: a producer that waits for its
// input would not learn of it otherwise.
func watchReader(ctx context.Context, stdout *os.File) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if readerGone(stdout, 100*time.Millisecond) {
				cancel(errReaderGone)
				return
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}

// accept reads the line from stdin and opens the segment that it announces.
func accept(ctx context.Context, stdin *os.File, limit time.Duration, o *shmpipe.Options) (*shmpipe.Pipe, *shmpipe.Consumer, error) {
	line, err := readLine(ctx, stdin, limit)
	if err != nil {
		return nil, nil, err
	}
	h, err := parseHandshake(line)
	if err != nil {
		return nil, nil, err
	}
	open := func() (*shmpipe.Pipe, error) { return h.open(o) }
	return attachNow(open, (*shmpipe.Pipe).Consumer)
}

// readLine reads up to the first newline, byte by byte: a line is short, and there is no more to read.
func readLine(ctx context.Context, stdin *os.File, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("nothing came on standard input within %v, want `shmpipe producer` there", limit))
	defer cancel()
	in, err := openInput(ctx, stdin, "")
	if err != nil {
		return nil, err
	}
	defer in.close()
	var line []byte
	for b := make([]byte, 1); len(line) < handshakeMost; {
		n, err := in.Read(b)
		if n == 1 {
			if line = append(line, b[0]); b[0] == '\n' {
				return line, nil
			}
		}
		if err != nil {
			switch {
			case ctx.Err() != nil:
				return nil, context.Cause(ctx)
			case len(line) > 0:
				return line, nil
			}
			return nil, fmt.Errorf("standard input ended before the producer announced itself: %w", err)
		}
	}
	return line, nil
}

func parseHandshake(line []byte) (handshake, error) {
	var h handshake
	n, err := fmt.Sscanf(string(line), handshakeFormat, &h.pid, &h.fd, &h.uuid)
	raw, hexErr := hex.DecodeString(h.uuid)
	switch {
	case n == 3 && err == nil && hexErr == nil && len(raw) == 16 && h.pid > 0 && h.fd >= 0 && h.String() == string(line):
		return h, nil
	case bytes.HasPrefix(line, []byte("shmpipe ")):
		return handshake{}, fmt.Errorf("the producer on standard input announces itself as %q, want %q: use the same release on both sides", line, "shmpipe 1 PID FD UUID")
	}
	return handshake{}, fmt.Errorf("standard input starts with %q, which is not from `shmpipe producer`; give the consumer a name, or pipe a producer into it", line[:min(len(line), 32)])
}

// open opens the announced segment. The numbers are what somebody wrote: they are looked at before anything is opened.
func (h handshake) open(o *shmpipe.Options) (*shmpipe.Pipe, error) {
	path := fmt.Sprintf("/proc/%d/fd/%d", h.pid, h.fd)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("producer (pid %d) is gone, or in another pid namespace such as a container: use a name there: %w", h.pid, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("producer (pid %d) belongs to another user: use a name and --perm: %w", h.pid, err)
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is %v, want the memory that the producer announced; is it in another pid namespace? use a name there", path, st.Mode())
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pipe, err := shmpipe.OpenFile(f, o)
	if err != nil {
		return nil, err
	}
	info, err := pipe.Info()
	if err == nil && info.UUID != h.uuid {
		err = fmt.Errorf("%s has the uuid %s, the producer announced %s; is it in another pid namespace? use a name there", path, info.UUID, h.uuid)
	}
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	return pipe, nil
}
