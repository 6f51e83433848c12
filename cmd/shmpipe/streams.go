package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// longAgo is a deadline that ends what waits.
var longAgo = time.Unix(1, 0)

// input is where a producer reads.
type input struct {
	*os.File
	ctx   context.Context
	size  int64 // bytes; -1 if nobody can know
	stop  func() bool
	close func()
}

// openInput opens a file, or takes standard input if its name is empty. The end of ctx ends a read that waits.
func openInput(ctx context.Context, stdin *os.File, name string) (*input, error) {
	in := &input{ctx: ctx, size: -1}
	own := false
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		in.File, own = f, true
	} else {
		in.File = pollable(stdin, os.O_RDONLY)
		own = in.File != stdin
	}
	if st, err := in.Stat(); err == nil {
		switch {
		case st.IsDir():
			return nil, fmt.Errorf("input %s is a directory, want a file or a pipe", in.Name())
		case st.Mode().IsRegular():
			in.size = st.Size()
			if at, err := in.Seek(0, io.SeekCurrent); err == nil { // a shell may have read some of it
				in.size = max(0, in.size-at)
			}
		}
	}
	in.close = func() {
		in.stop()
		if own {
			in.File.Close()
		}
	}
	in.follow(ctx)
	return in, nil
}

// follow has the end of ctx, a child of the context that it followed before, end a read that waits.
func (in *input) follow(ctx context.Context) {
	if in.stop != nil {
		in.stop()
	}
	in.ctx = ctx
	in.stop = context.AfterFunc(ctx, func() { _ = in.SetReadDeadline(longAgo) }) // what has no deadlines does not wait for long
}

func (in *input) Read(b []byte) (int, error) {
	if in.ctx.Err() != nil { // a file never waits
		return 0, context.Cause(in.ctx)
	}
	n, err := in.File.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = cause(in.ctx, err)
	}
	return n, err
}

// output is where a consumer writes.
type output struct {
	*os.File
	ctx    context.Context
	stdout bool
	close  func() error
}

// openOutput creates a file, or takes standard output if its name is empty. The end of ctx ends a write that waits.
func openOutput(ctx context.Context, stdout *os.File, name string) (*output, error) {
	out := &output{ctx: ctx, stdout: name == ""}
	if !out.stdout {
		f, err := os.Create(name)
		if err != nil {
			return nil, err
		}
		out.File = f
		out.close = f.Close
		return out, nil
	}
	if closedAtStart(stdout) {
		return nil, &usageError{
			errors.New("standard output is closed, so that the messages would be lost"),
			"name a `--file FILE`; `--file /dev/null` throws them away",
		}
	}
	out.File = pollable(stdout, os.O_WRONLY)
	stop := context.AfterFunc(ctx, func() { _ = out.SetWriteDeadline(longAgo) })
	out.close = func() error {
		stop()
		if out.File != stdout {
			return out.File.Close()
		}
		return nil
	}
	return out, nil
}

func (out *output) Write(b []byte) (int, error) {
	n, err := out.File.Write(b)
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = cause(out.ctx, err)
	case out.stdout:
		err = stdoutError(err)
	}
	return n, err
}
