package ring

import (
	"unsafe"

	"shmpipe/internal/prefetch"
)

// Small messages are stored to lines that a consumer had a lap ago, and each claim is a locked instruction, which waits until all stores
// before it have got their lines. So the lines are fetched some way ahead, many at once: it halves what a claim takes, where the lines
// come from afar. See docs/adr/0019-one-function-each-way.md.
const (
	fetchEach  = prefetch.BlockBytes // of data, at a time
	fetchAhead = 2 * fetchEach       // of the message that is being sent
	wordsAhead = 16                  // likewise, of the granule: two lines of words
	fetchMost  = 8 * fetchEach       // of the batch after this one: more at once keep each other waiting
)

// fetch has the lines come that the messages after this one will be written to. At is the offset in the data of the granule at pos.
func (p *MPMCProducer) fetch(pos, at uint64) {
	prefetch.Block(uintptr(addrAt(p.data, (at+fetchAhead)&(uint64(len(p.mem.Data))-1))))
	if pos&4 == 0 { // eight words are a line
		prefetch.Line(uintptr(unsafe.Pointer(p.word(pos + wordsAhead))))
	}
}

// fetchNext has the lines come that the batch after this one will be written to, if it is at pos, as a rule, and as large as this one. While
// this one is written, they are on their way: otherwise the claim of the next would wait for the last stores of this, and its own
// stores, one by one, for their lines.
func (p *MPMCProducer) fetchNext(pos, span, content uint64) {
	if content < fetchEach {
		return // few lines: not worth it
	}
	at, mask := p.at(pos), uint64(len(p.mem.Data))-1
	for n := uint64(0); n < min(content, fetchMost); n += fetchEach {
		prefetch.Block(uintptr(addrAt(p.data, (at+n)&mask)))
	}
	prefetch.Line(uintptr(unsafe.Pointer(p.word(pos + span))))
}
