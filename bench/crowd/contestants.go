package crowd

import (
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"shmpipe"
)

// contestant is a queue that can be measured.
type contestant interface {
	// describe says what it is, in one line.
	describe() string
	// alone reports whether it has no more than one producer and one consumer.
	alone() bool
	// create makes the queue. It lives until the closer is closed; the files are what other processes open.
	// What the contestant cannot do is an error of type cannot.
	create(j job) (queue, error)
	// producer and consumer attach to it, in a process of their own.
	producer(j job, files []*os.File) (producer, error)
	consumer(j job, files []*os.File) (consumer, error)
}

// queue is a queue that was made.
type queue struct {
	files  []*os.File
	object int // see job
	bytes  int // of ring
	io.Closer
}

// producer is the sending end. Each contestant has a loop of its own, as a user would write it, so that no contestant pays for
// calls that another needs.
type producer interface {
	// send sends all messages of w.
	send(w *writer) error
	// trySend sends one message unless there is no room.
	trySend(msg []byte) (bool, error)
	io.Closer
}

// consumer is the receiving end.
type consumer interface {
	// receive gives messages to r until r says that it was the last one.
	receive(r *reader) error
	io.Closer
}

// contestants by name. Those of mpmc.go and channel_linux.go come on top.
var contestants = map[string]contestant{
	"vyukov":       textbook{pauses: 1},                   // polls at once when full or empty, with one PAUSE
	"vyukov-64":    textbook{pauses: 64},                  // 64 PAUSE, which let some messages gather
	"vyukov-yield": textbook{pauses: 64, yieldsAfter: 16}, // likewise, and gives up its CPU after 16 looks in vain
	"spsc":         engine{mode: shmpipe.SPSC},
	"spsc-batch":   engine{mode: shmpipe.SPSC, batch: 16},
}

// Names are the contestants, in order of the alphabet.
func Names() []string { return slices.Sorted(maps.Keys(contestants)) }

func names() string { return strings.Join(Names(), ", ") }

// Describe says in one line what a contestant is; "" if there is none of that name.
func Describe(name string) string {
	if c, ok := contestants[name]; ok {
		return c.describe()
	}
	return ""
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() // nothing was written through it that could be lost
	}
}
