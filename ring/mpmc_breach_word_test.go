package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestMPMC_FindsAWordThatBreaksTheProtocol(t *testing.T) {
	const index = 13 // the data ends three granules behind it
	word := protocol.NewWord
	for name, c := range map[string]struct {
		w     protocol.Word
		field string
	}{
		"unknown state":               {word(1, 1, 0, 7), "state of a granule"},
		"unknown state, all ones":     {word(1, protocol.MaxSpan, 255, 15), "state of a granule"},
		"message of no granules":      {word(1, 0, 0, protocol.WordCommitted), "span of a frame"},
		"message beyond the end":      {word(1, 4, 0, protocol.WordCommitted), "span of a frame"},
		"message with an owner":       {word(1, 1, 1, protocol.WordCommitted), "owner of a frame that has none"},
		"padding beyond the end":      {word(1, 4, 0, protocol.WordAbandoned), "span of a frame"},
		"padding of no granules":      {word(1, 0, 0, protocol.WordAbandoned), "span of a frame"},
		"claim of no granules":        {word(1, 0, 2, protocol.WordClaimed), "span of a frame"},
		"claim of nobody":             {word(1, 1, 16, protocol.WordClaimed), "owner of a frame"},
		"taken by nobody":             {word(1, 1, 255, protocol.WordTaken), "owner of a frame"},
		"taken, beyond all":           {word(1, protocol.MaxSpan, 2, protocol.WordTaken), "span of a frame"},
		"skipping, of no granules":    {word(1, 0, 2, protocol.WordSkipping), "span of a frame"},
		"orphan beyond the end":       {word(1, 4, 0, protocol.WordOrphan), "span of a frame"},
		"orphan of somebody else":     {word(1, 1, 3, protocol.WordOrphan), "owner of a frame that has none"},
		"orphan of a lap far away":    {word(1<<31, protocol.MaxSpan, 1, protocol.WordOrphan), "span of a frame"},
		"free, with a span, behind":   {word(1, 1, 0, protocol.WordFree), "word of a free granule"},
		"free, with an owner, behind": {word(1, 0, 1, protocol.WordFree), "word of a free granule"},
	} {
		t.Run(name, func(t *testing.T) {
			m, p, consumer := crowdPair(t, positionAtLap(1, index))
			crowdShared(m, protocol.OffMPMCOrphans).Store(1)
			crowdWord(m, index).Store(uint64(c.w))
			if c.w.State() == protocol.WordFree { // a consumer that finds no frame does not mind why
				crowdEmpty(t, consumer)
				requireCrowdBroken(t, m, p.Send(nil, 1), p.Err(), c.field)
				return
			}
			_, _, o := consumer.Next()
			requireCrowdBroken(t, m, o, consumer.Err(), c.field)
			require.Equal(t, c.w, wordOf(m, index), "it is evidence")
			if c.w.Lap() == 1 {
				poisonOf(m).Store(0)
				requireCrowdBroken(t, m, p.Send(nil, 1), p.Err(), c.field)
				poisonOf(m).Store(0)
				looker := mpmcConsumer(t, m, 2)
				looker.seen = 1 // no orphans
				requireCrowdBroken(t, m, looker.Look(1, true), looker.Err(), c.field)
			}
		})
	}
}

func TestMPMCConsumer_FindsAFrameThatBreaksTheProtocol(t *testing.T) {
	header := protocol.FrameHeader
	batch := func(n uint32) uint64 { return header(n, 0, protocol.FrameBatch) }
	for name, c := range map[string]struct {
		header, progress, first uint64 // the first words of a frame of three granules
		field                   string
	}{
		"memory nobody wrote":              {0, 0, 0, "frame version and flags"},
		"version 2":                        {2 << 56, 0, 0, "frame version and flags"},
		"padding, as in SPSC":              {header(8, 0, protocol.FramePadding), 0, 0, "frame version and flags"},
		"unknown flag":                     {header(8, 0, 4), 0, 0, "frame version and flags"},
		"beyond the frame":                 {header(3*64-7, 0, 0), 0, 0, "frame length"},
		"beyond all":                       {header(1<<32-1, 0, 0), 0, 0, "frame length"},
		"beyond the message limit":         {header(101, 0, 0), 0, 0, "want 0 to 100"},
		"batch beyond the frame":           {batch(3*64 - 8), 0, 0, "length of a batch"},
		"batch beyond all":                 {batch(1<<32 - 8), 0, 0, "length of a batch"},
		"batch of a length that is odd":    {batch(17), 0, header(1, 1, 0), "length of a batch"},
		"progress beyond the batch":        {batch(32), 40, header(1, 1, 0), "progress of a batch"},
		"progress of a length that is odd": {batch(32), 4, header(1, 1, 0), "progress of a batch"},
		"progress beyond all":              {batch(32), ^uint64(7), header(1, 1, 0), "progress of a batch"},
		"nothing in a batch":               {batch(32), 0, 0, "frame version and flags"},
		"batch in a batch":                 {batch(32), 0, batch(8), "frame version and flags"},
		"message beyond the batch":         {batch(32), 0, header(25, 0, 0), "frame length"},
		"message in a batch beyond limit":  {batch(160), 0, header(101, 0, 0), "want 0 to 100"},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallCrowd(positionAtLap(2, 4))
			m.MaxMessage = 100
			p, consumer := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
			crowdSend(t, p, 8)
			frame := m.Data[5*smallGranule:]
			le.PutUint64(frame, c.header)
			le.PutUint64(frame[8:], c.progress)
			le.PutUint64(frame[16:], c.first)
			setWord(m, positionAtLap(2, 5), 3, 0, protocol.WordCommitted)
			crowdReceive(t, consumer, pattern(8, 0), 0, false)
			_, _, o := consumer.Next()
			requireCrowdBroken(t, m, o, consumer.Err(), c.field)
			require.False(t, consumer.Held())
			consumer.Release()
			consumer.Return()
			consumer.Leave()
			requireWord(t, m, positionAtLap(2, 5), 3, 1, protocol.WordTaken) // it is evidence
			require.EqualValues(t, 1, slotCount(m, 1, protocol.SlotReceived))
		})
	}
}

// The second message of a batch is looked at when the first is finished.
func TestMPMCConsumer_FindsABreachInTheMiddleOfABatch(t *testing.T) {
	for name, finish := range map[string]func(*MPMCConsumer){
		"by Next":    func(c *MPMCConsumer) { c.Next() },
		"by Release": (*MPMCConsumer).Release,
	} {
		t.Run(name, func(t *testing.T) {
			m, p, c := crowdPair(t, 0)
			crowdBatch(t, p, 8, 8, 8)
			crowdReceive(t, c, pattern(8, 0), 7, false)
			le.PutUint64(m.Data[protocol.BatchHeaderSize+16:], protocol.FrameHeader(25, 0, 0)) // nine bytes beyond the batch
			finish(c)
			requireCrowdBroken(t, m, Broken, c.Err(), "frame length")
			require.False(t, c.Held())
			_, _, o := c.Next()
			require.Equal(t, Broken, o)
			require.EqualValues(t, 1, slotCount(m, 1, protocol.SlotReceived))
		})
	}
}
