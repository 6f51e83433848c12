package mqueue

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watched is an end that is told when something about its queue's participants may have changed.
type watched interface{ changed() }

// hub tells the ends of this process. The kernel says when a state file is written (somebody came, left in order, or left a message over)
// and when a descriptor of it that could write is closed, as those of a process are that is killed. Where inotify is not to be
// had, because the user has as many instances as are allowed, a timer says so ten times a second.
//
// It lives from the first end to the last.
type hub struct {
	mu    sync.Mutex
	ends  map[watched]int32 // to its watch; -1: none
	count map[int32]int     // ends of a watch
	in    *os.File          // inotify; nil: the timer
	stop  chan struct{}
	ticks bool // the timer runs
}

var hubOf = &hub{}

const withoutInotify = 100 * time.Millisecond

// forceTimer is set by a test.
var forceTimer = false

// add begins to tell an end about the file behind fd.
func (h *hub) add(e watched, fd int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ends) == 0 {
		h.begin()
	}
	watch := int32(-1)
	if h.in != nil {
		// Several watches of one file are one: it tells all ends.
		n, err := unix.InotifyAddWatch(int(h.in.Fd()), fmt.Sprintf("/proc/self/fd/%d", fd), unix.IN_MODIFY|unix.IN_CLOSE_WRITE)
		if err == nil {
			watch = int32(n)
		} else {
			h.startTicking() // for this one
		}
	}
	h.ends[e] = watch
	h.count[watch]++
}

func (h *hub) remove(e watched) {
	h.mu.Lock()
	defer h.mu.Unlock()
	watch, ok := h.ends[e]
	if !ok {
		return
	}
	delete(h.ends, e)
	if h.count[watch]--; h.count[watch] == 0 {
		delete(h.count, watch)
		if h.in != nil && watch >= 0 {
			_, _ = unix.InotifyRmWatch(int(h.in.Fd()), uint32(watch)) // the file may be gone, and the watch with it
		}
	}
	if len(h.ends) == 0 {
		close(h.stop)
		if h.in != nil {
			_ = h.in.Close() // which ends its reader
			h.in = nil
		}
	}
}

// begin starts whatever will tell.
func (h *hub) begin() {
	h.ends, h.count, h.stop, h.in, h.ticks = make(map[watched]int32), make(map[int32]int), make(chan struct{}), nil, false
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err == nil && forceTimer {
		_ = unix.Close(fd)
		err = unix.EMFILE
	}
	if err != nil {
		h.startTicking()
		return
	}
	h.in = os.NewFile(uintptr(fd), "inotify")
	go h.read(h.in, h.stop)
}

func (h *hub) read(in *os.File, stop chan struct{}) {
	buf := make([]byte, 4096)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return // closed
		}
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			watch := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			b = b[min(len(b), unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:]))):]
			h.tell(watch, mask&unix.IN_Q_OVERFLOW != 0)
			if mask&unix.IN_CLOSE_WRITE != 0 {
				// The kernel tells before it drops the locks of the description, so look again.
				for _, later := range [...]time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
					time.AfterFunc(later, func() { h.tellLater(watch, stop) })
				}
			}
		}
	}
}

func (h *hub) tellLater(watch int32, stop chan struct{}) {
	select {
	case <-stop:
	default:
		h.tell(watch, false)
	}
}

// tell tells the ends of a watch, or all.
func (h *hub) tell(watch int32, all bool) {
	h.mu.Lock()
	var found []watched
	for e, w := range h.ends {
		if all || w == watch {
			found = append(found, e)
		}
	}
	h.mu.Unlock()
	for _, e := range found {
		e.changed()
	}
}

func (h *hub) startTicking() {
	if !h.ticks {
		h.ticks = true
		go h.tick(h.stop)
	}
}

// tick tells all ends without a watch, until stop.
func (h *hub) tick(stop chan struct{}) {
	t := time.NewTicker(withoutInotify)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			h.tell(-1, false)
		case <-stop:
			return
		}
	}
}

// tells reports whether ends are told of what happens, and not only now and then.
func (h *hub) tells() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.in != nil
}
