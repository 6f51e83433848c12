package main

// recent is a set of numbers that come in rising order, more or less. It forgets those that are further behind the greatest than its
// window, so that it stays small however many come.
type recent struct {
	window uint64
	chunks map[uint64]*[chunkWords]uint64 // by number / chunkNumbers; a bit each
	newest uint64                         // chunk
}

const (
	chunkWords   = 64
	chunkNumbers = 64 * chunkWords
)

func newRecent(window uint64) *recent {
	return &recent{window: window, chunks: make(map[uint64]*[chunkWords]uint64)}
}

// add adds a number and reports whether it was there.
func (r *recent) add(n uint64) (was bool) {
	at := n / chunkNumbers
	c := r.chunks[at]
	if c == nil {
		c = new([chunkWords]uint64)
		r.chunks[at] = c
		r.forget(at)
	}
	word, bit := n%chunkNumbers/64, uint64(1)<<(n%64)
	was = c[word]&bit != 0
	c[word] |= bit
	return was
}

// forget drops what is too far behind a new chunk.
func (r *recent) forget(newest uint64) {
	if newest <= r.newest {
		return
	}
	r.newest = newest
	keep := r.window/chunkNumbers + 1
	for at := range r.chunks {
		if at+keep < newest {
			delete(r.chunks, at)
		}
	}
}
