package crowd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"shmpipe"
	"shmpipe/bench/internal/host"
	"shmpipe/internal/spin"
)

// Environment of a child: its job, and which of the processes it is.
const (
	jobVariable     = "SHMPIPE_CROWD_JOB"
	processVariable = "SHMPIPE_CROWD_PROCESS"
)

// Descriptors of a child.
const (
	boardDescriptor = 3
	queueDescriptor = 4 // and those after it, if the queue has more files than one
)

func isChild() bool { return os.Getenv(jobVariable) != "" }

// child is a producer, a consumer or the keeper.
func child() error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobVariable)), &j); err != nil {
		return fmt.Errorf("%s: %w", jobVariable, err)
	}
	if os.Getenv(processVariable) == keeperProcess {
		return keeperMain(j)
	}
	process, err := strconv.Atoi(os.Getenv(processVariable))
	if err != nil {
		return fmt.Errorf("%s: %w", processVariable, err)
	}
	if err := j.check(); err != nil {
		return err
	}
	runtime.LockOSThread()
	if !j.Unpinned {
		if err := host.Pin(process); err != nil {
			return err
		}
	}
	b, err := openBoard(os.NewFile(boardDescriptor, "board"), j.Shape)
	if err != nil {
		return err
	}
	if process < j.Shape.Producers {
		err = produce(j, b, process)
	} else {
		err = consume(j, b, process)
	}
	if err != nil {
		return fmt.Errorf("process %d of %s %v: %w", process, j.Name, j.Shape, err)
	}
	return nil
}

// queueFiles are the queue's files, in a child.
func queueFiles(j job) []*os.File {
	files := make([]*os.File, j.Files)
	for i := range files {
		files[i] = os.NewFile(queueDescriptor+uintptr(i), "queue")
	}
	return files
}

func produce(j job, b *board, process int) error {
	p, err := contestants[j.Name].producer(j, queueFiles(j))
	if err != nil {
		return err
	}
	w := newWriter(j, process)
	b.meet()
	s := begin()
	if err := p.send(w); err != nil {
		return err
	}
	last := b.last()
	if last { // at once: consumers are waiting
		err = poison(p, w, j.Shape.Consumers)
	}
	b.end(process, s, nil)
	if err != nil {
		return err
	}
	for last && !b.over() { // a consumer may have taken two
		if _, err := p.trySend(poisoned(w)); err != nil && !errors.Is(err, shmpipe.ErrPeerClosed) {
			return err
		}
		doze()
	}
	b.rest()
	return p.Close()
}

// poison sends the message that ends a consumer to all of them. Everything else was sent before: the queue is first in, first out.
func poison(p producer, w *writer, consumers int) error {
	msg := poisoned(w)
	for range consumers {
		for {
			sent, err := p.trySend(msg)
			if err != nil {
				return err
			}
			if sent {
				break
			}
			spin.Pause(64)
			yield()
		}
	}
	return nil
}

func poisoned(w *writer) []byte {
	msg := w.message()
	stamp(msg, poisonMessage)
	return msg
}

func consume(j job, b *board, process int) error {
	c, err := contestants[j.Name].consumer(j, queueFiles(j))
	if err != nil {
		return err
	}
	r := newReader(j)
	b.meet()
	s := begin()
	if err := c.receive(r); err != nil {
		return err
	}
	b.end(process, s, r.from)
	b.rest()
	return c.Close()
}
