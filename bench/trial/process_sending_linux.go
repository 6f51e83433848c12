package trial

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Descriptors of the sending process.
const (
	pageDescriptor   = 3
	socketDescriptor = 4
)

// runSending is the sending process.
func runSending(j Job, t Transport, parent int) error {
	runtime.LockOSThread()
	// The kernel kills this process when its parent goes, but the parent may have gone before that was arranged.
	if os.Getppid() != parent {
		return errors.New("the receiving process is gone")
	}
	if err := os.Unsetenv(parentVariable); err != nil {
		return err
	}
	unix.CloseOnExec(pageDescriptor)
	unix.CloseOnExec(socketDescriptor)
	p, err := mapPage(pageDescriptor)
	if err != nil {
		return err
	}
	if !j.Unpinned {
		if err := (place{number: 1}).pin(); err != nil {
			return err
		}
	}
	_, crowded := t.(Crowded)
	s := &side{job: j, page: p, peer: parent, crowded: crowded}
	if j.Mode == First {
		p.word(wordReady).Store(1)
	}
	if err := p.spinUntil(wordOffered, "wait for the receiving process to create the object"); err != nil {
		return err
	}
	text, files, err := takeOffer(socketDescriptor)
	if err != nil {
		return err
	}
	if s.handle, err = t.Open(j, text, files); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if err := s.deliver(); err != nil {
		return err
	}
	return s.handle.Close()
}

// deliver is the sending side's part once it has its handle: it opens the ends, sends, and closes them when all has come.
func (s *side) deliver() error {
	if err := s.openSending(); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	stop := s.watchProgress()
	if err := s.send(); err != nil {
		return err
	}
	stop()
	if err := s.page.sleepUntil(wordOver, grace, "everything was sent, but not everything came: messages were lost"); err != nil {
		return err
	}
	return s.close()
}

// watchProgress ends the process if there is no round trip for too long: a message that was lost leaves both sides waiting.
func (s *side) watchProgress() (stop func()) {
	if s.job.Mode != RoundTrip {
		return func() {}
	}
	over := make(chan struct{})
	go func() {
		seen, since := uint64(0), time.Now()
		for {
			select {
			case <-over:
				return
			case <-time.After(min(grace/4, time.Second)):
			}
			if now := s.page.word(wordProgress).Load(); now != seen || s.page.word(wordGo).Load() == 0 {
				seen, since = now, time.Now()
			} else if time.Since(since) > grace {
				os.Exit(complain(s.job.Name, fmt.Errorf("no round trip for %v: messages were lost", grace)))
			}
		}
	}()
	return func() { close(over) }
}
