package shmpipe

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"shmpipe/internal/procwatch"
	"shmpipe/protocol"
)

// A sleeper is woken by its peer, but not by a peer that has died. Something must notice the death, and a sleep that ends by itself
// every few milliseconds to look is dear: each return from a blocking system call has the monitor thread of the Go runtime poll
// for about a millisecond. Measured, ten looks a second cost 1.6 % of a processor, and from a timer not much less.
//
// So the kernel is asked to tell (package procwatch). Where it cannot, mostly because the peer lives in another pid namespace and
// its pid means nothing here, the watcher looks at the lease from a timer. Either is a hint only: the sleeper wakes and proves it.

// watchPeer makes sure that a death of the peer ends our sleep. It runs between saying that we are about to sleep and sleeping: a peer
// that comes later wakes us, and we get here again.
func (e *endpoint) watchPeer() {
	if e.crew != nil {
		e.poll.Store(!e.crew.watch())
		e.now = view{} // count anew: who changed an entry may have died before it said so
		return
	}
	status := protocol.Status(e.peer.Load())
	if status.State() != protocol.EntryActive || status.Epoch() == e.watched {
		return
	}
	e.watched = status.Epoch()
	e.process.Stop()
	e.process = nil
	watched := false
	if pid, here := e.pipe.pidOf(e.peerEntry); here {
		if w, err := procwatch.Start(pid, e.suspectDeath); err == nil {
			e.process, watched = w, true
		}
	}
	// The peer may have died before, and its pid may be another's by now. The lease tells, and it tells no more than once.
	if held, err := e.pipe.seg.Held(e.peerEntry); err == nil && !held {
		e.suspectDeath()
		watched = true
	}
	e.poll.Store(!watched)
}

// suspectDeath ends the sleep to have a look. It may be called on any goroutine.
func (e *endpoint) suspectDeath() {
	e.suspect.Store(true)
	e.cancel.Set()
}

// watch looks at the leases of peers that nothing else tells about, while somebody sleeps: one goroutine for all of them.
type watch struct {
	mu        sync.Mutex
	endpoints []*endpoint
	running   atomic.Bool
}

var watcher watch

const (
	watchInterval = 200 * time.Millisecond
	watchLinger   = 5 // intervals with nothing to watch after which the goroutine ends
)

// add and remove say which endpoints there are. After remove has returned, the watcher does not touch the endpoint's memory.
func (w *watch) add(e *endpoint) {
	w.mu.Lock()
	w.endpoints = append(w.endpoints, e)
	w.mu.Unlock()
}

func (w *watch) remove(e *endpoint) {
	w.mu.Lock()
	if i := slices.Index(w.endpoints, e); i >= 0 {
		w.endpoints = slices.Delete(w.endpoints, i, i+1)
	}
	w.mu.Unlock()
}

// start is called by an endpoint that is about to sleep, has said so in asleep, and asks for polling.
func (w *watch) start() {
	if !w.running.Load() && w.running.CompareAndSwap(false, true) {
		go w.run()
	}
}

func (w *watch) run() {
	ticks := time.NewTicker(watchInterval)
	defer ticks.Stop()
	for quiet := 0; ; quiet++ {
		<-ticks.C
		if w.look() {
			quiet = 0
		}
		if quiet < watchLinger {
			continue
		}
		// Say that nobody watches, then look for sleepers; a sleeper says that it sleeps, then looks whether somebody watches. One sees
		// the other.
		w.running.Store(false)
		if !w.look() || !w.running.CompareAndSwap(false, true) {
			return
		}
		quiet = 0
	}
}

// look wakes every sleeper whose peer has died, and reports whether there is anybody to look after.
func (w *watch) look() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	some := false
	for _, e := range w.endpoints {
		if !e.asleep.Load() || !e.poll.Load() {
			continue
		}
		some = true
		if !e.suspect.Load() && e.peerDead() {
			e.suspectDeath()
			if e.follow && e.crew == nil {
				e.poll.Store(false) // it sleeps on until a successor comes, and need not be told twice
			}
		}
	}
	return some
}
