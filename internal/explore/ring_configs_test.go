//go:build seam

package explore

// configs are the rings that are explored completely. Large ones are left out when time is short.
func configs() []*config {
	return []*config{
		{name: "small-frames", large: true, granules: 2, crashes: 1, parts: []part{
			producer(messages(small, small)...), producer(messages(small, small)...), consumer(), consumer(),
		}},
		{name: "padding", large: true, granules: 4, crashes: 1, parts: []part{
			producer(messages(large)...), producer(messages(small, large)...), consumer(), consumer(),
		}},
		{name: "laps", granules: 4, crashes: 1, parts: []part{
			producer(messages(large, small, large, large)...), consumer(), consumer(),
		}},
		// The 32-bit lap wraps. The words are not placed in their order.
		{name: "lap-wrap", large: true, granules: 4, shift: 1, start: (1<<32-1)*4 + 1, crashes: 1, parts: []part{
			producer(messages(large)...), producer(messages(small, large)...), consumer(), consumer(),
		}},
		// Hints are only moved for every second granule.
		{name: "hints", large: true, granules: 8, start: 5, crashes: 1, parts: []part{
			producer(messages(small, large)...), producer(messages(large)...), consumer(), consumer(),
		}},
		{name: "hints-laps", large: true, granules: 8, crashes: 2, parts: []part{
			producer(messages(large, large, large, large, small, large)...), consumer(), consumer(),
		}},
		// Padding of two granules, of which the second is in use longer than the first.
		{name: "wide-padding", large: true, granules: 8, start: 6, crashes: 1, parts: []part{
			producer(messages(small, small, huge, huge, huge)...), consumer(), consumer(),
		}},
		{name: "two-deaths", large: true, granules: 2, crashes: 2, parts: []part{
			producer(messages(small)...), producer(messages(small, small)...), consumer(), consumer(),
		}},
		{name: "two-deaths-large-frames", large: true, granules: 4, crashes: 2, parts: []part{
			producer(messages(large, large)...), producer(messages(small)...), consumer(), consumer(),
		}},
		{name: "two-orphans", large: true, granules: 2, crashes: 2, parts: []part{
			producer(messages(small, small, small)...), consumer(), consumer(), consumer(),
		}},
		{name: "batches", large: true, granules: 4, crashes: 1, parts: []part{
			producer(several(1, 1, 1), several(1, 1)), producer(messages(large)...), consumer(), consumer(),
		}},
		{name: "batches-drop", large: true, granules: 4, drop: true, crashes: 2, parts: []part{
			producer(several(1, 1, 1), several(1)), consumer(), consumer(), consumer(),
		}},
		{name: "aborts", large: true, granules: 4, crashes: 1, parts: []part{
			producer(aborted(large), claimed(large)), producer(messages(small)...), consumer(), consumer(),
		}},
		{name: "drop", large: true, granules: 2, drop: true, crashes: 1, parts: []part{
			producer(messages(small)...), producer(messages(small, small)...), consumer(), consumer(),
		}},
		{name: "leave", granules: 2, crashes: 1, parts: []part{
			producer(messages(small, small, small)...), consumer().leaving(1), consumer(), consumer().releasing().inSlot(1),
		}},
		{name: "leave-drop", granules: 2, drop: true, crashes: 1, parts: []part{
			producer(messages(small, small)...), consumer().leaving(1), consumer(),
		}},
		{name: "leave-batch", granules: 4, crashes: 1, parts: []part{
			producer(several(1, 1, 1), several(1, 1)), consumer().leaving(2), consumer(),
		}},
		{name: "leave-batch-drop", large: true, granules: 4, drop: true, crashes: 2, parts: []part{
			producer(several(1, 1, 1), several(1, 1)), consumer().leaving(2), consumer(), consumer().inSlot(1),
		}},
		{name: "newcomers", granules: 2, crashes: 2, parts: []part{
			consumer(), producer(messages(small, small)...).detaching(), consumer(), producer(messages(small)...).inSlot(1), consumer().inSlot(2),
		}},
		{name: "newcomer-changes-role", granules: 2, crashes: 2, parts: []part{
			consumer(), producer(messages(small, small)...).detaching(), producer(messages(small, small)...).inSlot(0), consumer().inSlot(1),
		}},
		{name: "looks", large: true, granules: 2, crashes: 1, parts: []part{
			producer(messages(small)...).looking(), producer(messages(small, small)...).looking(), consumer().releasing().looking(), consumer(),
		}},
		{name: "looks-large-frames", large: true, granules: 4, crashes: 1, parts: []part{
			producer(messages(large, small, large)...).looking(), consumer().releasing().looking(), consumer().releasing().looking(),
		}},
		{name: "drains", large: true, granules: 2, crashes: 1, parts: []part{
			producer(messages(small, small)...).draining(), producer(messages(small)...), consumer(), consumer(),
		}},
		{name: "drains-large-frames", large: true, granules: 4, drop: true, crashes: 2, parts: []part{
			producer(messages(large, small)...).draining(), consumer(), consumer(),
		}},
		{name: "three-producers", granules: 4, crashes: 1, parts: []part{
			producer(messages(small)...), producer(messages(small)...), producer(messages(large)...), consumer(),
		}},
	}
}

func producer(sends ...sending) part { return part{sends: sends, rescues: true} }
func consumer() part                 { return part{consumes: true, rescues: true} }

func (p part) looking() part        { p.looks = true; return p }
func (p part) releasing() part      { p.releases = true; return p }
func (p part) draining() part       { p.drains = true; return p }
func (p part) leaving(n int) part   { p.leaves = n; return p }
func (p part) detaching() part      { p.detaches = true; return p }
func (p part) inSlot(slot int) part { p.newcomer, p.slot = true, slot; return p }

const (
	// How many granules they take: one, two and three.
	small = 1
	large = granule
	huge  = 2 * granule
)

// messages are sent one by one.
func messages(lengths ...int) (list []sending) {
	for _, n := range lengths {
		list = append(list, sending{send, []int{n}})
	}
	return list
}

func several(lengths ...int) sending { return sending{batch, lengths} }
func claimed(length int) sending     { return sending{claim, []int{length}} }
func aborted(length int) sending     { return sending{abandon, []int{length}} }

// largeConfigs have too many states.
func largeConfigs() []*config {
	return []*config{
		{name: "three-by-three", granules: 4, crashes: 2, parts: []part{
			producer(messages(small, large, small)...), producer(messages(large, small)...), producer(aborted(small), claimed(large), several(1, 1)),
			consumer(), consumer().releasing(), consumer().releasing().looking(),
		}},
		{name: "many-laps", granules: 2, shift: 1, crashes: 2, parts: []part{
			producer(messages(small, small, small, small, small, small, small)...), producer(messages(small, small, small, small, small, small, small)...),
			consumer(), consumer(), consumer(),
		}},
		{name: "wide", granules: 16, shift: 2, start: (1<<32-1)*16 + 9, crashes: 3, parts: []part{
			producer(messages(large, small, large, large, small)...), producer(several(1, 1, 1, large-16), claimed(large), aborted(large)),
			consumer(), consumer().leaving(3), consumer(), consumer().inSlot(3),
		}},
		// The second producer and a newcomer have a long way to walk.
		{name: "lagging", granules: 16, shift: 3, crashes: 2, parts: []part{
			producer(messages(large, large, large, large, large, large, large, large, large, large, small, small)...), producer(messages(small, large)...),
			consumer(), consumer(), consumer().inSlot(2),
		}},
		{name: "coming-and-going", granules: 4, drop: true, crashes: 3, parts: []part{
			consumer(), producer(messages(small, large)...).detaching(), consumer().leaving(1), producer(messages(large, small)...).detaching().looking(),
			consumer().inSlot(2), producer(several(1, 1, 1), several(1, 1)).inSlot(1), consumer().inSlot(0),
		}},
	}
}
