package ring

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"shmpipe/protocol"
)

// What a side costs by itself, with the other side's part done while the clock stands still: no line moves between cores. The
// benchmarks of two processes are elsewhere.

const benchCapacity = 64 << 10

// rounds is how many messages one side handles before the other side has its turn: as many as fit, in whole batches.
func rounds(size int) int { return benchCapacity / (size + 16) / 16 * 16 }

func BenchmarkProducer(b *testing.B) {
	benchSides(b, func(b *testing.B, size, batch int) {
		m := newMemory(benchCapacity)
		p, c, msg, n := newProducer(b, m), newConsumer(b, m), make([]byte, size), rounds(size)
		msgs := slices.Repeat([][]byte{msg}, batch)
		b.ResetTimer()
		for done := 0; done < b.N; done += n {
			for range n / batch {
				if sent, o := p.PutAll(msgs, 1); sent != batch {
					b.Fatal(o)
				}
				p.Publish()
			}
			b.StopTimer()
			for c.Look(1, false) == Done {
				c.Next()
			}
			c.Release()
			c.Rest()
			b.StartTimer()
		}
	})
}

func BenchmarkConsumer(b *testing.B) {
	benchSides(b, func(b *testing.B, size, batch int) {
		m, p, c := newRing(b, benchCapacity, 0)
		msg, n := make([]byte, size), rounds(size)
		tails := make([]uint64, 0, n)
		var sum uint64
		var never atomic.Bool
		visit := func(payload []byte) error {
			sum += le.Uint64(payload)
			return nil
		}
		b.ResetTimer()
		for done := 0; done < b.N; done += n {
			b.StopTimer()
			before := load(m, protocol.OffTail)
			tails = tails[:0]
			for i := range n {
				p.Put(msg, 1)
				if i%batch == batch-1 {
					p.Publish()
					tails = append(tails, load(m, protocol.OffTail))
				}
			}
			store(m, protocol.OffTail, before)
			b.StartTimer()
			for _, tail := range tails { // as the producer published them
				storeRelease(p.sharedTail, tail)
				payload, _, o := c.Next()
				if o != Done {
					b.Fatal(o)
				}
				if batch == 1 {
					_ = visit(payload)
				} else if got, _, _ := c.Each(payload, batch, &never, visit); got != batch {
					b.Fatal(got)
				}
			}
			c.Release()
			c.Rest()
		}
		if sum != 0 {
			b.Fatal("the messages are zeros")
		}
	})
}

// BenchmarkBoth is both sides in turn on one core: what a message costs in instructions.
func BenchmarkBoth(b *testing.B) {
	benchSides(b, func(b *testing.B, size, batch int) {
		m := newMemory(benchCapacity)
		p, c, msg := newProducer(b, m), newConsumer(b, m), make([]byte, size)
		b.ResetTimer()
		for done := 0; done < b.N; done += batch {
			for range batch {
				p.Put(msg, 1)
			}
			p.Publish()
			for range batch {
				if _, _, o := c.Next(); o != Done {
					b.Fatal(o)
				}
			}
		}
	})
}

func benchSides(b *testing.B, f func(b *testing.B, size, batch int)) {
	for _, size := range []int{8, 64} {
		for _, batch := range []int{1, 16} {
			b.Run(fmt.Sprintf("%dB/batch %d", size, batch), func(b *testing.B) {
				b.ReportAllocs()
				f(b, size, batch)
			})
		}
	}
}
