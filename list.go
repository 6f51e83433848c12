package shmpipe

import "shmpipe/segment"

// Entry is a segment that [List] found. Err says why it cannot be used, if so.
type Entry = segment.Entry

// List finds the segments of one backend, in the order of their names. It attaches to none: [Open] one and use Info and Stats to
// learn more. Memfd segments have no name and cannot be listed; the error then matches errors.ErrUnsupported.
func List(opts *Options) ([]Entry, error) {
	o := opts.withDefaults()
	return segment.List(o.Backend, o.segment())
}
