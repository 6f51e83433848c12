package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"shmpipe"
)

// demoBlock is the size of a message, and of what the kernel pipe's processes read and write at a time.
const demoBlock = shmpipe.DefaultBlock

// transfer sends the input from one process to another, either way.
type transfer struct {
	app  *app
	in   *demoInput
	exe  string
	sink *os.File // in memory: what arrived
	name string
	opts shmpipe.Options
}

func newTransfer(a *app, in *demoInput) (*transfer, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	sink, err := memoryFile()
	if err != nil {
		return nil, err
	}
	return &transfer{app: a, in: in, exe: exe, sink: sink, name: fmt.Sprintf("shmpipe-demo-%d", os.Getpid()), opts: a.options()}, nil
}

func (t *transfer) close() {
	if err := shmpipe.Remove(t.name, true, &t.opts); err != nil && !errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(t.app.err, message(err))
	}
	t.sink.Close()
}

// round does both transfers once.
func (t *transfer) round(ctx context.Context) (demoRound, error) {
	shared, err := t.proven(ctx, t.shared)
	if err != nil {
		return demoRound{}, fmt.Errorf("shared memory: %w", err)
	}
	pipe, err := t.proven(ctx, t.pipe)
	if err != nil {
		return demoRound{}, fmt.Errorf("kernel pipe: %w", err)
	}
	return demoRound{shared.Seconds(), pipe.Seconds()}, nil
}

// proven does one transfer and compares what arrived. The sink is filled with zeros before, so that an earlier transfer's bytes
// are not taken for this one's, and so that its memory is there for both ways alike.
func (t *transfer) proven(ctx context.Context, do func(context.Context) error) (time.Duration, error) {
	if err := t.clear(); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := do(ctx); err != nil {
		return 0, err
	}
	d := time.Since(start)
	if at, err := t.sink.Seek(0, io.SeekCurrent); err != nil || at != t.in.size {
		return d, errors.Join(err, fmt.Errorf("%w: %d bytes, want %d", errDiffers, at, t.in.size))
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(t.sink, 0, t.in.size)); err != nil {
		return d, err
	}
	if [sha256.Size]byte(h.Sum(nil)) != t.in.sum {
		return d, fmt.Errorf("%w: %x, want %x", errDiffers, h.Sum(nil), t.in.sum)
	}
	return d, nil
}

func (t *transfer) clear() error {
	if _, err := t.sink.Seek(0, io.SeekStart); err != nil {
		return err
	}
	zero := make([]byte, 1<<20)
	for left := t.in.size; left > 0; left -= int64(len(zero)) {
		if _, err := t.sink.Write(zero[:min(left, int64(len(zero)))]); err != nil {
			return fmt.Errorf("get %s of memory for what arrives: %w", bytesText(uint64(t.in.size)), err)
		}
	}
	_, err := t.sink.Seek(0, io.SeekStart)
	return err
}

// shared sends through a ring: the very commands that people use.
func (t *transfer) shared(ctx context.Context) error {
	common := []string{t.name, "--quiet", "--backend", t.app.backend}
	if t.app.dir != "" {
		common = append(common, "--dir", t.app.dir)
	}
	consumer := t.command(ctx, append([]string{"consumer"}, common...)...)
	consumer.Stdout = t.sink
	producer := t.command(ctx, append([]string{"producer", "--progress=false", "--file", t.in.path}, common...)...)
	return runBoth(producer, consumer)
}

// pipe sends through a kernel pipe.
func (t *transfer) pipe(ctx context.Context) error {
	f, err := os.Open(t.in.path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	widenPipe(w)
	sender := t.command(ctx, "demo", "copy")
	sender.Stdin, sender.Stdout = f, w
	receiver := t.command(ctx, "demo", "copy")
	receiver.Stdin, receiver.Stdout = r, t.sink
	return runBoth(sender, receiver, r, w)
}

func (t *transfer) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, t.exe, args...)
	c.Stderr = new(bytes.Buffer)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 2 * time.Second
	return c
}

// runBoth runs two processes at once. Ours are files that only the children should have.
func runBoth(first, second *exec.Cmd, ours ...*os.File) error {
	errSecond := second.Start()
	errFirst := first.Start()
	for _, f := range ours {
		f.Close()
	}
	if errFirst != nil || errSecond != nil {
		for _, c := range [...]*exec.Cmd{first, second} {
			if c.Process != nil {
				_ = c.Cancel()
				_ = c.Wait()
			}
		}
		return errors.Join(errFirst, errSecond)
	}
	return errors.Join(ended(first), ended(second))
}

// ended waits for a process and adds what it had to say to its error.
func ended(c *exec.Cmd) error {
	err := c.Wait()
	if err == nil {
		return nil
	}
	said := bytes.TrimSpace(c.Stderr.(*bytes.Buffer).Bytes())
	return fmt.Errorf("%s: %w: %s", c.Args[1], err, said)
}
