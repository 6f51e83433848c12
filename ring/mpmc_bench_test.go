package ring

import (
	"fmt"
	"testing"
)

// One goroutine sends and receives: what the instructions cost when no line has to move.
func BenchmarkMPMC_SendAndReceiveAlone(b *testing.B) {
	for _, granule := range []uint64{64, 128} {
		for _, size := range []int{8, 64, 1024} {
			b.Run(fmt.Sprintf("granule=%d/size=%d", granule, size), func(b *testing.B) {
				m := newCrowdMemory(4096, granule, 0)
				p, c := mpmcProducer(b, m, 0), mpmcConsumer(b, m, 1)
				msg := make([]byte, size)
				for b.Loop() {
					if p.Send(msg, 0) != Done {
						b.Fatal("full")
					}
					if _, _, o := c.Next(); o != Done {
						b.Fatal("empty")
					}
				}
			})
		}
	}
}
