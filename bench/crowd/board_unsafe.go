package crowd

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/edsrzf/mmap-go"

	"shmpipe/futex"
	"shmpipe/internal/spin"
)

// board is what the processes of a run share beside the queue: the gate at which they start, and what came out. Nobody writes to it
// between the start and the end.
type board struct {
	shape shape
	mem   mmap.MMap
}

// Words of the board. Each process's record is apart from the others'.
const (
	apart      = 16 // words: two lines
	wordReady  = 0 * apart
	wordSent   = 1 * apart // producers that have sent everything
	wordEnded  = 2 * apart // processes that have done what is measured
	firstWord  = 3 * apart
	recordHead = 3 // words before the tallies
)

// Words of a record, followed by a consumer's tallies by producer.
const (
	recordStart = iota // CLOCK_MONOTONIC, ns
	recordEnd          // likewise
	recordCPU          // CPU time between the two, ns
)

func (s shape) recordWords() int {
	return (recordHead + 3*s.Producers + apart - 1) / apart * apart
}

func boardBytes(s shape) int { return 8 * (firstWord + s.processes()*s.recordWords()) }

func openBoard(f *os.File, s shape) (*board, error) {
	m, err := mmap.MapRegion(f, boardBytes(s), mmap.RDWR, 0, 0)
	if err != nil {
		return nil, fmt.Errorf("map board: %w", err)
	}
	return &board{s, m}, nil
}

func (b *board) word(i int) *atomic.Uint64 {
	_ = b.mem[8*i+7]
	return (*atomic.Uint64)(unsafe.Pointer(&b.mem[8*i]))
}

// record is word i of a process's record.
func (b *board) record(process, i int) *atomic.Uint64 {
	return b.word(firstWord + process*b.shape.recordWords() + i)
}

// meet returns when all processes have come. They spin, so that they start together, but not for ever: there may be fewer CPUs.
func (b *board) meet() {
	ready, all := b.word(wordReady), uint64(b.shape.processes())
	ready.Add(1)
	for looks := 0; ready.Load() < all; looks++ {
		spin.Pause(64)
		if looks > 1000 {
			doze()
		}
	}
}

// span is one process's part of a run.
type span struct{ start, cpu int64 }

func begin() span { return span{futex.Now(), cpuTime()} }

// end records a process's part.
func (b *board) end(process int, s span, got []tally) {
	end, cpu := futex.Now(), cpuTime()
	b.record(process, recordStart).Store(uint64(s.start))
	b.record(process, recordEnd).Store(uint64(end))
	b.record(process, recordCPU).Store(uint64(cpu - s.cpu))
	for i, t := range got {
		b.record(process, recordHead+3*i).Store(t.count)
		b.record(process, recordHead+3*i+1).Store(t.sum)
		b.record(process, recordHead+3*i+2).Store(t.squares)
	}
	b.word(wordEnded).Add(1)
}

// tally is what a consumer got from a producer.
func (b *board) tally(consumer, producer int) tally {
	at := recordHead + 3*producer
	return tally{count: b.record(consumer, at).Load(), sum: b.record(consumer, at+1).Load(), squares: b.record(consumer, at+2).Load()}
}

// last counts a producer that has sent everything and reports whether it was the last one.
func (b *board) last() bool { return b.word(wordSent).Add(1) == uint64(b.shape.Producers) }

// over reports whether every process has done what is measured.
func (b *board) over() bool { return b.word(wordEnded).Load() == uint64(b.shape.processes()) }

// rest returns when every process has done what is measured: leaving before could be work for those who are still at it, and so
// could looking often.
func (b *board) rest() {
	for !b.over() {
		time.Sleep(2 * time.Millisecond)
	}
}
