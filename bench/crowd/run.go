package main

import (
	"bytes"
	"encoding/json"
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

// run runs a job, which has been checked, and takes no longer than the limit.
func run(j job, limit time.Duration) (result, error) {
	r, err := runIn(j, limit)
	if err != nil {
		return result{}, fmt.Errorf("%s %v: %w", j.Name, j.Shape, err)
	}
	return r, nil
}

func runIn(j job, limit time.Duration) (r result, err error) {
	q, err := contestants[j.Name].create(j)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	defer q.file.Close()
	f, err := sharedFile(boardBytes(j.Shape))
	if err != nil {
		return result{}, err
	}
	defer f.Close()
	b, err := openBoard(f, j.Shape)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, b.mem.Unmap()) }()

	if err := crew(j, limit, f, q.file); err != nil {
		return result{}, err
	}
	r = result{job: j, bytes: q.bytes}
	return r, r.read(b)
}

// crew starts the processes and waits for them. If one of them fails, or the time is up, it kills the others.
func crew(j job, limit time.Duration, files ...*os.File) error {
	runtime.LockOSThread() // children die with the thread that started them
	defer runtime.UnlockOSThread()
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	ends := make(chan error)
	var children []*exec.Cmd
	for i := range j.Shape.processes() {
		cmd, said := exec.Command("/proc/self/exe"), &bytes.Buffer{}
		cmd.Env = append(os.Environ(), jobVariable+"="+string(text), processVariable+"="+strconv.Itoa(i))
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
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for left := len(children); left > 0; {
		select {
		case end := <-ends:
			left--
			if end != nil && err == nil {
				err = end
				killAll()
			}
		case <-timer.C:
			if err == nil {
				err = fmt.Errorf("not done after %v: killed", limit)
			}
			killAll()
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
