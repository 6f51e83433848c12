package crowd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// keeperProcess stands in the environment for the number of a process.
const keeperProcess = "keeper"

// kept is a contestant whose queues stay in the system when all processes are gone, unless somebody removes them.
type kept interface {
	// remove removes the queue, if it is there still.
	remove(j job) error
}

// keeper is a process that removes the queue when this one has ended, however that came about.
type keeper struct {
	cmd    *exec.Cmd
	said   bytes.Buffer
	lifted io.Closer // closing it lets the keeper remove the queue: the kernel does so too
}

// keep starts the queue's keeper. It returns when that is at rest, so that it takes no time from the others.
func keep(j job, prefix []string) (*keeper, error) {
	cmd, err := command(j, prefix, keeperProcess)
	if err != nil {
		return nil, err
	}
	k := &keeper{cmd: cmd}
	cmd.Stderr, cmd.SysProcAttr = &k.said, outliveParent()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the queue's keeper: %w", err)
	}
	k.lifted = in
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, errors.Join(fmt.Errorf("the queue's keeper says nothing: %w", err), k.Close())
	}
	return k, nil
}

// Close has the keeper remove the queue, and waits for that.
func (k *keeper) Close() error {
	err := k.lifted.Close()
	if end := k.cmd.Wait(); end != nil {
		err = errors.Join(err, fmt.Errorf("the queue's keeper: %w: %s", end, bytes.TrimSpace(k.said.Bytes())))
	}
	return err
}

// keeperMain is what the keeper does.
func keeperMain(j job) error {
	if _, err := os.Stdout.Write([]byte{'\n'}); err == nil {
		_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it, the parent is gone or done
	}
	k, ok := contestants[j.Name].(kept)
	if !ok {
		return fmt.Errorf("queues of %s need no keeper", j.Name)
	}
	return k.remove(j)
}

// command is this program as a child: one of the processes of a job, or the keeper.
//
// Children have no children. Were the prefix wrong, so that a child does what its parent does, processes would multiply without end.
func command(j job, prefix []string, process string) (*exec.Cmd, error) {
	if isChild() {
		return nil, fmt.Errorf("%s is set: a child of a run starts none of its own; does %q lead to Main?", jobVariable, prefix)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe", prefix...)
	cmd.Args[0] = os.Args[0] // some programs are several, by their names
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text), processVariable+"="+process)
	return cmd, nil
}
