package ring

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// newCrowdMemory is an empty MPMC ring.
func newCrowdMemory(granules, granule uint64, shift uint32) MPMCMemory {
	const participants = 16
	return MPMCMemory{
		Control:      alignedBytes(protocol.MPMCControlSize(participants, granules)),
		Data:         alignedBytes(granules * granule),
		MaxMessage:   protocol.MPMCMaxPayload(granules*granule, granule),
		Granule:      granule,
		WordShift:    shift,
		Participants: participants,
	}
}

func mpmcProducer(t testing.TB, m MPMCMemory, slot uint8) *MPMCProducer {
	t.Helper()
	p, err := NewMPMCProducer(m, slot)
	require.NoError(t, err)
	return p
}

func mpmcConsumer(t testing.TB, m MPMCMemory, slot uint8) *MPMCConsumer {
	t.Helper()
	c, err := NewMPMCConsumer(m, slot, func() {})
	require.NoError(t, err)
	return c
}

// Every message goes to exactly one consumer, whole, and in the order of its producer, through batches, single messages, claims and
// aborts of all sizes.
func TestMPMC_DeliversEachMessageOnce(t *testing.T) {
	for _, shape := range []struct {
		producers, consumers int
		granules, granule    uint64
		shift                uint32
	}{{1, 1, 64, 64, 0}, {2, 2, 16, 64, 1}, {3, 3, 64, 128, 3}, {4, 2, 1024, 64, 3}} {
		t.Run(fmt.Sprintf("%dx%d", shape.producers, shape.consumers), func(t *testing.T) {
			each := 30_000
			if testing.Short() {
				each = 3000
			}
			m := newCrowdMemory(shape.granules, shape.granule, shape.shift)
			var wg sync.WaitGroup
			var got atomic.Int64
			seen := make([][]atomic.Uint32, shape.producers)
			for i := range seen {
				seen[i] = make([]atomic.Uint32, each)
			}
			for i := range shape.producers {
				p := mpmcProducer(t, m, uint8(i))
				wg.Go(func() {
					random := rand.New(rand.NewPCG(uint64(i), 0))
					for n := 0; n < each; {
						count := 1
						if random.IntN(4) == 0 {
							count = min(1+random.IntN(8), each-n)
						}
						batch := make([][]byte, count)
						for j := range batch {
							batch[j] = crowdMessage(i, n+j, random.IntN(200))
						}
						var sent int
						var o Outcome
						switch {
						case count > 1:
							sent, o = p.SendBatch(batch, 7)
						case random.IntN(3) == 0:
							var b []byte
							if b, o = p.Claim(uint64(len(batch[0]))); o == Done {
								if random.IntN(4) == 0 {
									o = p.Abort()
								} else {
									copy(b, batch[0])
									sent, o = 1, p.Commit(uint64(len(b)), 7)
								}
							}
						default:
							if o = p.Send(batch[0], 7); o == Done {
								sent = 1
							}
						}
						if o == Full {
							runtime.Gosched()
						} else if o != Done {
							t.Errorf("producer %d: %v, %v", i, o, p.Err())
							return
						}
						n += sent
					}
				})
			}
			for i := range shape.consumers {
				c := mpmcConsumer(t, m, uint8(8+i))
				wg.Go(func() {
					last := make([]int, shape.producers)
					for i := range last {
						last[i] = -1
					}
					for got.Load() < int64(shape.producers*each) {
						payload, typ, o := c.Next()
						if o == Empty {
							runtime.Gosched()
							continue
						}
						if o != Done || typ != 7 || c.Redelivered() {
							t.Errorf("consumer %d: %v, type %d, %v", i, o, typ, c.Err())
							return
						}
						from, n, ok := readCrowdMessage(payload)
						if !ok || n <= last[from] || seen[from][n].Add(1) != 1 {
							t.Errorf("consumer %d: message %d of producer %d: intact %v, last %d", i, n, from, ok, last[from])
							return
						}
						last[from] = n
						got.Add(1)
					}
					c.Release()
				})
			}
			wg.Wait()
			require.EqualValues(t, shape.producers*each, got.Load())
		})
	}
}

func crowdMessage(from, n, extra int) []byte {
	b := make([]byte, 16+extra)
	binary.LittleEndian.PutUint64(b, uint64(from))
	binary.LittleEndian.PutUint64(b[8:], uint64(n))
	for i := 16; i < len(b); i++ {
		b[i] = byte(n + i*7)
	}
	return b
}

func readCrowdMessage(b []byte) (from, n int, ok bool) {
	from, n = int(binary.LittleEndian.Uint64(b)), int(binary.LittleEndian.Uint64(b[8:]))
	for i := 16; i < len(b); i++ {
		if b[i] != byte(n+i*7) {
			return from, n, false
		}
	}
	return from, n, true
}
