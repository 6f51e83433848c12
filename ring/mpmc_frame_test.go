package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// The shortest and the longest messages of each span, from every index: each frame takes as many granules as it needs, and padding is
// before it exactly if it would cross the end.
func TestMPMCFrame_TakesTheGranulesItNeedsAndDoesNotCrossTheEnd(t *testing.T) {
	for index := range uint64(fewGranules) {
		for span := uint64(1); span <= fewGranules/2; span++ {
			start := positionAtLap(3, index)
			at := start
			if index+span > fewGranules {
				at = positionAtLap(4, 0)
			}
			m := smallCrowd(start)
			longest := spanned(m, span)
			shortest := max(0, spanned(m, span-1)+1)
			for _, n := range []int{longest, longest - 1, shortest} {
				moveCrowd(m, start)
				p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
				crowdSend(t, p, n)
				requireWord(t, m, at, span, 0, protocol.WordCommitted)
				requireFree(t, m, at+1, start+fewGranules)
				if at > start {
					requireWord(t, m, start, at-start, 0, protocol.WordAbandoned)
					requireFree(t, m, start+1, at)
				}
				crowdReceive(t, c, pattern(n, 0), 0, false)
				requireFree(t, m, start+fewGranules, at+fewGranules) // the padding is given back before the message is
				c.Release()
				requireFree(t, m, at+span, at+span+fewGranules)
			}
		}
	}
}

func TestMPMCFrame_HasTheLayoutOfTheContract(t *testing.T) {
	for _, shape := range []struct{ granule, span uint64 }{{64, 4}, {128, 2}, {1024, 1}} {
		m := crowdAt(newCrowdMemory(fewGranules, shape.granule, 2), 1)
		p, c := mpmcProducer(t, m, 2), mpmcConsumer(t, m, 3)
		msg := pattern(200, 5)
		require.Equal(t, Done, p.Send(msg, 0xabcd))
		require.EqualValues(t, protocol.NewWord(0, shape.span, 0, protocol.WordCommitted), wordOf(m, 1))
		frame := m.Data[shape.granule:]
		require.Equal(t, protocol.FrameHeader(200, 0xabcd, 0), le.Uint64(frame))
		require.Equal(t, msg, frame[protocol.FrameHeaderSize:][:200])
		crowdReceive(t, c, msg, 0xabcd, false)
		laps(t, m, p, c, 50)
	}
}

func TestMPMCFrame_CarriesAnEmptyMessage(t *testing.T) {
	m, p, c := crowdPair(t, 15)
	for typ := range uint16(3) {
		require.Equal(t, Done, p.Send(nil, typ))
	}
	requireWord(t, m, 15, 1, 0, protocol.WordCommitted)
	for typ := range uint16(3) {
		crowdReceive(t, c, nil, typ, false)
	}
	crowdEmpty(t, c)
	require.EqualValues(t, []uint64{3, 0}, []uint64{slotCount(m, 0, protocol.SlotSent), slotCount(m, 0, protocol.SlotSentBytes)})
}

func TestMPMCFrame_MayBeAsLongAsTheLimitAndNoLonger(t *testing.T) {
	most := int(protocol.MPMCMaxPayload(fewGranules*smallGranule, smallGranule))
	require.Equal(t, fewGranules/2*smallGranule-protocol.FrameHeaderSize, most)
	for _, limit := range []int{1, 55, 56, 57, 100, most} {
		m := smallCrowd(9)
		m.MaxMessage = uint64(limit)
		p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
		require.Equal(t, limit, p.MaxMessage())
		require.Equal(t, limit, c.MaxMessage())
		more := make([]byte, limit+1)
		require.Equal(t, TooLarge, p.Send(more, 1))
		require.Equal(t, TooLarge, p.AwaitRoom(uint64(len(more)), 1))
		_, o := p.Claim(uint64(len(more)))
		require.Equal(t, TooLarge, o)
		_, o = p.Claim(1 << 63)
		require.Equal(t, TooLarge, o)
		_, held := p.Claimed()
		require.False(t, held)
		requireFree(t, m, 9, 9+fewGranules) // a refusal leaves no trace, not even padding
		require.NoError(t, p.Err())

		require.Equal(t, Done, p.AwaitRoom(uint64(limit), 1))
		crowdSend(t, p, limit)
		crowdReceive(t, c, pattern(limit, 0), 0, false)
		crowdClaim(t, p, limit, 1)
		require.Equal(t, Done, p.Commit(uint64(limit), 2))
		crowdReceive(t, c, pattern(limit, 1), 2, false)
	}
}

// The largest message and the padding before it must fit at once, from wherever.
func TestMPMCFrame_OfTheLargestSizeFitsIntoAnEmptyRingFromEveryIndex(t *testing.T) {
	for index := range uint64(fewGranules) {
		m, p, c := crowdPair(t, index)
		crowdSend(t, p, int(m.MaxMessage))
		crowdReceive(t, c, pattern(int(m.MaxMessage), 0), 0, false)
		c.Release()
		crowdEmpty(t, c)
		for pos := range uint64(fewGranules) {
			require.EqualValues(t, protocol.WordFree, wordOf(m, pos).State())
		}
	}
}

func TestMPMC_RefusesMemoryThatIsNoRing(t *testing.T) {
	good := newCrowdMemory(fewGranules, smallGranule, 1)
	for name, change := range map[string]func(*MPMCMemory){
		"granule is 32":          func(m *MPMCMemory) { m.Granule = 32 },
		"granule is 96":          func(m *MPMCMemory) { m.Granule = 96 },
		"data has 64 bytes":      func(m *MPMCMemory) { m.Data = m.Data[:64] },
		"data has 960 bytes":     func(m *MPMCMemory) { m.Data = m.Data[64:] },
		"data has 0 bytes":       func(m *MPMCMemory) { m.Data = nil },
		"participants are 0":     func(m *MPMCMemory) { m.Participants = 0 },
		"participants are 256":   func(m *MPMCMemory) { m.Participants = 256 },
		"control block has":      func(m *MPMCMemory) { m.Control = m.Control[:len(m.Control)-1] },
		"largest message is 0":   func(m *MPMCMemory) { m.MaxMessage = 0 },
		"largest message is 505": func(m *MPMCMemory) { m.MaxMessage++ },
		"word shift is 5":        func(m *MPMCMemory) { m.WordShift = 5 },
		"control block and data are not align": func(m *MPMCMemory) {
			m.Data = alignedBytes(2 * fewGranules * smallGranule)[4:][:fewGranules*smallGranule]
		},
	} {
		m := good
		change(&m)
		_, err := NewMPMCProducer(m, 0)
		require.ErrorContains(t, err, name)
		_, err = NewMPMCConsumer(m, 0, func() {})
		require.ErrorContains(t, err, name)
		_, err = RecoverMPMC(m, 0)
		require.ErrorContains(t, err, name)
	}
	_, err := NewMPMCProducer(good, 16)
	require.ErrorContains(t, err, "participant is 16, want 0 to 15")
	_, err = NewMPMCConsumer(good, 255, func() {})
	require.ErrorContains(t, err, "participant is 255, want 0 to 15")
	require.EqualValues(t, 15, mpmcProducer(t, good, 15).Slot())
}
