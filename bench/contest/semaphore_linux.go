package contest

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// semaphores is the bounded buffer of the textbooks: slots that go round, a semaphore that counts the empty ones, and one that counts the
// full ones. The mutex that textbooks add is for several producers or consumers; here it would only have the two sides wait for each other.
// Semaphores have one way of waiting.
//
// SEM_UNDO, which takes back what a process did when it dies, would be wrong: the counts say what is in the slots, and that stays.
type semaphores struct{}

// Semaphores of a direction.
const (
	semEmpty = iota
	semFull
	semCount
)

const semMost = 32767 // a semaphore's greatest value

func (semaphores) Create(j trial.Job, channels int) (trial.Handle, error) {
	n, err := slotCount(j, semMost)
	if err != nil {
		return nil, err
	}
	id, err := semaphoreGet(semCount * channels)
	if err != nil {
		return nil, ipcError("make System V semaphores", err)
	}
	note(noteSemaphores, id)
	h := &semaphoreHandle{job: j, id: id, n: n, creator: true}
	values := make([]uint16, semCount*channels)
	for direction := range channels {
		values[semCount*direction+semEmpty] = uint16(n)
		f, err := newMemory(j, n*slotStride(j.Size))
		if err == nil {
			h.files = append(h.files, f)
			err = h.mapSlots(f)
		}
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	if err := semaphoreStart(id, values); err != nil {
		return nil, errors.Join(fmt.Errorf("set System V semaphores: %w", err), h.Close())
	}
	return h, nil
}

func (semaphores) Open(j trial.Job, text string, files []*os.File) (trial.Handle, error) {
	all, err := numbers(text)
	if err != nil || len(all) != 2 {
		return nil, fmt.Errorf("semaphores %q: want a number and a count: %w", text, errors.Join(err, os.ErrInvalid))
	}
	h := &semaphoreHandle{job: j, id: all[0], n: all[1], files: files}
	for _, f := range files {
		if err := h.mapSlots(f); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

type semaphoreHandle struct {
	job     trial.Job
	id, n   int // set of semaphores, slots
	files   []*os.File
	slots   []slots // by direction
	creator bool
}

func (h *semaphoreHandle) mapSlots(f *os.File) error {
	s, err := mapSlots(f, h.job, h.n)
	if err == nil {
		h.slots = append(h.slots, s)
	}
	return err
}

func (h *semaphoreHandle) Files() []*os.File { return h.files }
func (h *semaphoreHandle) Text() string      { return joinNumbers(h.id, h.n) }

func (h *semaphoreHandle) Receiver(direction int) (trial.Receiver, error) {
	return &semaphoreEnd{h.guard(direction, semFull, semEmpty)}, nil
}

func (h *semaphoreHandle) Sender(direction int) (trial.Sender, error) {
	return &semaphoreEnd{h.guard(direction, semEmpty, semFull)}, nil
}

// guard takes slots that one semaphore counts and gives them to the other.
func (h *semaphoreHandle) guard(direction, from, to int) guard {
	number := func(s int) uint16 { return uint16(semCount*direction + s) }
	return guard{
		slots: h.slots[direction], id: h.id, n: h.n,
		take: semaphoreStep{number: number(from), add: -1},
		give: semaphoreStep{number: number(to), add: 1},
	}
}

// Remove removes the semaphores at the end only: whoever waits for one that is removed gets an error.
func (h *semaphoreHandle) Remove(ending bool) error {
	if !ending || !h.creator {
		return nil
	}
	if err := semaphoreRemove(h.id); err != nil && err != unix.EINVAL && err != unix.EIDRM { // removed before
		return fmt.Errorf("remove System V semaphores %d: %w", h.id, err)
	}
	forget(noteSemaphores, h.id)
	return nil
}

func (h *semaphoreHandle) Close() error {
	errs := []error{h.Remove(true)}
	for _, s := range h.slots {
		errs = append(errs, s.close())
	}
	for _, f := range h.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// guard is one end's way to its slots, which it uses one after the other.
type guard struct {
	slots
	id, n, next int
	take, give  semaphoreStep
}

func (g *guard) do(step *semaphoreStep) error {
	for {
		err := semaphoreDo(g.id, step)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("semop: %w", err)
		}
	}
}

// done gives the slot to the other side and goes on to the next one.
func (g *guard) done() error {
	if g.next++; g.next == g.n {
		g.next = 0
	}
	return g.do(&g.give)
}

// semaphoreEnd is either end.
type semaphoreEnd struct{ guard }

func (e *semaphoreEnd) Send(msg []byte) error {
	if err := e.do(&e.take); err != nil {
		return err
	}
	e.put(e.next, msg)
	return e.done()
}

func (e *semaphoreEnd) Receive(fn func(msg []byte) error, _ int) error {
	if err := e.do(&e.take); err != nil {
		return err
	}
	msg, err := e.get(e.next)
	if err == nil {
		err = fn(msg)
	}
	if err != nil {
		return err
	}
	return e.done()
}

func (*semaphoreEnd) Close() error { return nil } // the handle has all of it
