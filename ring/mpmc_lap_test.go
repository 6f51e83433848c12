package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// positionAtLap is that of a granule of smallCrowd in a lap; laps are counted modulo 2^32 in the words, positions are not.
func positionAtLap(lap, index uint64) uint64 { return lap*fewGranules + index }

func TestMPMC_CrossesTheEndOfTheLapCounter(t *testing.T) {
	for _, lap := range []uint64{1<<31 - 2, 1<<32 - 2, 1<<33 - 2} {
		for index := range uint64(fewGranules) {
			m := smallCrowd(positionAtLap(lap, index))
			p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
			laps(t, m, p, c, 40)
			require.Greater(t, crowdShared(m, protocol.OffMPMCTail).Load(), positionAtLap(lap+4, 0))
		}
	}
}

// An endpoint remembers where it was. While it is idle the others may go on for so many laps that the difference no longer fits the
// 32 bits of a word: then the newest lap looks like an old one, and the endpoint must ask the tail, or the head, where it is.
func TestMPMC_GoesOnAfterIdlingForAnyNumberOfLaps(t *testing.T) {
	for _, laps := range []uint64{1, 1<<31 - 1, 1 << 31, 1<<31 + 1, 3 << 30, 1<<32 - 1, 1 << 32, 1<<32 + 1, 5 << 31} {
		t.Run(fmt.Sprintf("%#x", laps), func(t *testing.T) {
			m := smallCrowd(5)
			p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
			moveCrowd(m, positionAtLap(laps, 5))
			require.Equal(t, Done, p.AwaitRoom(9, 1))
			crowdSend(t, p, 9)
			require.Equal(t, Done, c.Look(1, true))
			crowdReceive(t, c, pattern(9, 0), 0, false)
			c.Release()

			moveCrowd(m, positionAtLap(2*laps, 5)) // now without a look before
			crowdSend(t, p, 9)
			crowdReceive(t, c, pattern(9, 0), 0, false)
		})
	}
}
