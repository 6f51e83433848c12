package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

type demoOptions struct {
	app    *app
	file   string
	rounds int
	json   bool
}

// demoReport is the outcome as --json has it. Times are in seconds.
type demoReport struct {
	Input  string      `json:"input"`
	Bytes  int64       `json:"bytes"`
	SHA256 string      `json:"sha256"`
	Hash   float64     `json:"hash_seconds"` // to hash the input alone; no part of the others
	Rounds []demoRound `json:"rounds"`
	Median demoRound   `json:"median"`
	Equal  bool        `json:"equal"`
}

type demoRound struct {
	Shared float64 `json:"shared_memory_seconds"`
	Pipe   float64 `json:"kernel_pipe_seconds"`
}

func newDemo(a *app) *cobra.Command {
	o := &demoOptions{app: a}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Send a real file between two processes, and compare with a kernel pipe",
		Long: `Starts a producer and a consumer, two processes of this command, and sends a file through shared memory: a tar of the Go standard
library's sources, or what --file says. Then it sends the same file through a kernel pipe of 1 MiB, also between two processes of
this command, and so on in turn.

What is measured is from the start of both processes to the end of both: reading the file, the transport, and writing the bytes
to memory. After each transfer, outside of that time, the SHA-256 of what arrived is compared with the file's. It exits 1 if any
differs.`,
		Args: names(0, 0),
		RunE: o.run,
	}
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "", "send this `FILE`")
	f.IntVar(&o.rounds, "rounds", 5, "how often, each way")
	f.BoolVar(&o.json, "json", false, "print a JSON object")
	cmd.AddCommand(newDemoCopy(a))
	return cmd
}

func (o *demoOptions) run(cmd *cobra.Command, _ []string) error {
	if o.rounds < 1 || o.rounds > 1000 {
		return usagef("rounds is %d, want 1 to 1000", o.rounds)
	}
	ctx := cmd.Context()
	in, err := o.input(ctx)
	if err != nil {
		return err
	}
	defer in.remove()
	t, err := newTransfer(o.app, in)
	if err != nil {
		return err
	}
	defer t.close()
	report := &demoReport{Input: in.what, Bytes: in.size, SHA256: fmt.Sprintf("%x", in.sum), Hash: in.hashing.Seconds()}
	for range o.rounds {
		round, err := t.round(ctx)
		if err != nil {
			return cause(ctx, err)
		}
		report.Rounds = append(report.Rounds, round)
	}
	report.Median = demoRound{
		Shared: median(report.Rounds, func(r demoRound) float64 { return r.Shared }),
		Pipe:   median(report.Rounds, func(r demoRound) float64 { return r.Pipe }),
	}
	report.Equal = true // else a round would have failed
	return o.print(report)
}

func (o *demoOptions) print(r *demoReport) error {
	var err error
	if o.json {
		err = o.app.printJSON(r)
	} else {
		err = o.app.print(r.text())
	}
	return err
}

func (r *demoReport) text() string {
	speed := func(seconds float64) string {
		return fmt.Sprintf("%s (%.0f ms)", rateText(uint64(r.Bytes), time.Duration(seconds*1e9)), seconds*1e3)
	}
	t := newTable("ROUND", "SHARED MEMORY", "KERNEL PIPE", "PIPE/SHARED")
	alignRight(t, 2, 3, 4)
	row := func(name any, v demoRound) {
		t.AppendRow([]any{name, speed(v.Shared), speed(v.Pipe), fmt.Sprintf("%.2f", v.Pipe/v.Shared)})
	}
	for i, v := range r.Rounds {
		row(i+1, v)
	}
	row("median", r.Median)
	text := fmt.Sprintf("%s, %s bytes, from one process to another, in blocks of 64 KiB\n\n%s\n\n", printable(r.Input), grouped(uint64(r.Bytes)), t.Render())
	text += "time: from the start of both processes to the end of both; the file is read, the bytes go across and are written to memory\n"
	text += fmt.Sprintf("not in it: the SHA-256 of what arrived, which takes %.0f ms\n", r.Hash*1e3)
	return text + fmt.Sprintf("SHA-256 equal: %s, all %d transfers\n", r.SHA256, 2*len(r.Rounds))
}

func median(rounds []demoRound, of func(demoRound) float64) float64 {
	var v []float64
	for _, r := range rounds {
		v = append(v, of(r))
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// newDemoCopy is the kernel pipe's side of the comparison: what producer and consumer are to the ring.
func newDemoCopy(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "copy",
		Short:  "Copy standard input to standard output, through a buffer of the size of a block",
		Hidden: true,
		Args:   names(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return copyBlocks(cmd.Context(), a.out, a.in)
		},
	}
}

// copyBlocks is what cat does. It hides the files' own ways to copy: not every kernel has them for every kind of file.
func copyBlocks(ctx context.Context, w, r *os.File) error {
	for buf := make([]byte, demoBlock); ctx.Err() == nil; {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return stdoutError(err)
			}
		}
		if n == 0 || err != nil {
			if err != nil && !isEOF(err) {
				return err
			}
			return nil
		}
	}
	return context.Cause(ctx)
}

// errDiffers: what arrived is not what was sent.
var errDiffers = errors.New("SHA-256 of what arrived differs from the file's")
