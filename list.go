package shmpipe

import (
	"io/fs"
	"time"

	"shmpipe/mqueue"
	"shmpipe/segment"
)

// Entry is a segment or a queue that [List] found, as it was then.
type Entry struct {
	Name    string
	Backend Backend
	Path    string
	Size    int64 // bytes of memory that it takes; of a queue, of its state file
	Mode    fs.FileMode
	UID     uint32 // owner
	Created time.Time

	// What it says of itself, as far as that could be read; otherwise zero.
	Ring                        Mode
	Capacity, MaxMessage, Rings int

	// Err is why it cannot be used, if so. It matches the errors that Open would give.
	Err error
}

// List finds what there is of one backend, or with Auto of all that have names, in the order of their names. It attaches to none: [Open]
// one and use Info and Stats to learn more. A memfd has no name: open its Path, one of a process
// that has it open, and hand that to [OpenFile]. It goes with those processes.
func List(opts *Options) ([]Entry, error) {
	if o := opts.withDefaults(); o.Backend != Auto {
		return list(o)
	} else {
		return listAuto(o)
	}
}

func list(o Options) ([]Entry, error) {
	if o.Backend.Queue() {
		found, err := mqueue.List(o.Backend.queue(), o.queue())
		return convert(found, func(e mqueue.Entry) Entry {
			return Entry{
				Name: e.Name, Backend: o.Backend, Path: e.Path, Size: e.Size, Mode: e.Mode, UID: e.UID, Created: e.Created,
				Ring: e.QueueMode, Capacity: e.Capacity, MaxMessage: e.MaxMessage, Rings: 1, Err: e.Err,
			}
		}), err
	}
	found, err := segment.List(o.Backend.segment(), o.segment())
	return convert(found, func(e segment.Entry) Entry {
		v := Entry{
			Name: e.Name, Backend: o.Backend, Path: e.Path, Size: int64(e.Size), Mode: e.Mode, UID: e.UID, Created: e.Created, Err: e.Err,
		}
		if h := e.Header; h != nil && len(h.Rings) > 0 {
			r := h.Rings[0]
			v.Ring, v.Capacity, v.MaxMessage, v.Rings = r.Mode, int(r.Capacity), int(r.MaxMessage), len(h.Rings)
		}
		return v
	}), err
}

func convert[A, B any](from []A, one func(A) B) []B {
	to := make([]B, len(from))
	for i, v := range from {
		to[i] = one(v)
	}
	return to
}
