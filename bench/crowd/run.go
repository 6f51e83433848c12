package crowd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// result is what a run came to.
type result struct {
	job
	bytes   int           // of ring
	elapsed time.Duration // from the first start to the last end
	cpu     time.Duration // of all processes
}

func (r result) messages() float64 { return float64(r.Shape.Producers) * float64(r.Count) }

// rate is in messages a second.
func (r result) rate() float64 { return r.messages() / r.elapsed.Seconds() }

// cpuPerMessage is in nanoseconds.
func (r result) cpuPerMessage() float64 { return float64(r.cpu) / r.messages() }

func (r result) String() string {
	return fmt.Sprintf("%s %v size=%d count=%d ring=%d wait=%s secs=%.4f ns_per_msg=%.2f msgs_per_s=%.0f cpu_ns_per_msg=%.2f", r.Name, r.Shape,
		r.Size, r.Count, r.bytes, r.Wait, r.elapsed.Seconds(), r.elapsed.Seconds()*1e9/r.messages(), r.rate(), r.cpuPerMessage())
}

// launch is how the processes of a run are started.
type launch struct {
	prefix []string      // arguments that lead this program to Main
	limit  time.Duration // a run that takes longer is ended
}

// run runs a job, which has been checked.
func (l launch) run(ctx context.Context, j job) (result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.limit, fmt.Errorf("not done after %v: killed", l.limit))
	defer cancel()
	r, err := runIn(ctx, j, l.prefix)
	if err != nil {
		return result{}, fmt.Errorf("%s %v: %w", j.Name, j.Shape, err)
	}
	return r, nil
}

func runIn(ctx context.Context, j job, prefix []string) (r result, failed error) {
	q, err := contestants[j.Name].create(j)
	if err != nil {
		return result{}, err
	}
	defer func() { failed = errors.Join(failed, q.Close()) }()
	defer closeAll(q.files)
	j.Files, j.Object = len(q.files), q.object
	if _, ok := contestants[j.Name].(kept); ok {
		k, err := keep(j, prefix)
		if err != nil {
			return result{}, err
		}
		defer func() { failed = errors.Join(failed, k.Close()) }()
	}
	f, err := sharedFile(boardBytes(j.Shape))
	if err != nil {
		return result{}, err
	}
	defer f.Close()
	b, err := openBoard(f, j.Shape)
	if err != nil {
		return result{}, err
	}
	defer func() { failed = errors.Join(failed, b.mem.Unmap()) }()

	if err := crew(ctx, j, prefix, append([]*os.File{f}, q.files...)); err != nil {
		return result{}, err
	}
	r = result{job: j, bytes: q.bytes}
	return r, r.read(b)
}

// crew starts the processes and waits for them. If one of them fails, or the context ends, it kills the others.
func crew(ctx context.Context, j job, prefix []string, files []*os.File) error {
	runtime.LockOSThread() // children die with the thread that started them
	defer runtime.UnlockOSThread()
	var err error
	ends := make(chan error)
	var children []*exec.Cmd
	for i := range j.Shape.processes() {
		var cmd *exec.Cmd
		if cmd, err = command(j, prefix, strconv.Itoa(i)); err != nil {
			break
		}
		said := &bytes.Buffer{}
		cmd.ExtraFiles, cmd.Stderr, cmd.SysProcAttr = files, said, dieWithParent()
		if err = cmd.Start(); err != nil {
			err = fmt.Errorf("start process %d: %w", i, err)
			break
		}
		children = append(children, cmd)
		go func() {
			err := cmd.Wait()
			if err != nil {
				err = fmt.Errorf("process %d: %w: %s", i, err, bytes.TrimSpace(said.Bytes()))
			}
			ends <- err
		}()
	}
	killAll := func() {
		for _, cmd := range children {
			_ = cmd.Process.Kill() // one that has ended already, and may have been waited for, is left alone
		}
	}
	if err != nil {
		killAll()
	}
	over := ctx.Done()
	for left := len(children); left > 0; {
		select {
		case end := <-ends:
			left--
			if end != nil && err == nil {
				err = end
				killAll()
			}
		case <-over:
			if err == nil {
				err = context.Cause(ctx)
			}
			killAll()
			over = nil // once; the children are still waited for
		}
	}
	return err
}

// read takes the results off the board and checks that every message came exactly once.
func (r *result) read(b *board) error {
	first, last := int64(1<<63-1), int64(0)
	for i := range r.Shape.processes() {
		first = min(first, int64(b.record(i, recordStart).Load()))
		last = max(last, int64(b.record(i, recordEnd).Load()))
		r.cpu += time.Duration(b.record(i, recordCPU).Load())
	}
	r.elapsed = time.Duration(last - first)
	want := wanted(uint64(r.Count))
	for p := range r.Shape.Producers {
		var got tally
		for c := r.Shape.Producers; c < r.Shape.processes(); c++ {
			got.add(b.tally(c, p))
		}
		if got != want {
			return fmt.Errorf("of producer %d came %+v, want %+v: some are lost or doubled", p, got, want)
		}
	}
	return nil
}
