package check_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/protocol"
)

// TestCrowd_FindsEachKindOfDamage has what is done to the ring of busyCrew, and what must be said of it.
func TestCrowd_FindsEachKindOfDamage(t *testing.T) {
	check.SetPatience(t, 0)
	const lap = 2
	control := func(offset, v uint64) func(*crew) {
		return func(c *crew) { put64(c.mem, c.r.Control+offset, v) }
	}
	word := func(index uint64, w protocol.Word) func(*crew) {
		return func(c *crew) { c.putWord(index, w) }
	}
	data := func(index, offset, v uint64) func(*crew) {
		return func(c *crew) { put64(c.mem, c.data(index)+offset, v) }
	}
	status := func(slot uint8, s protocol.Status) func(*crew) {
		return func(c *crew) { put64(c.mem, c.entry(slot)+protocol.OffStatus, uint64(s)) }
	}
	role := func(r uint32) func(*crew) {
		return func(c *crew) { put32(c.mem, c.entry(2)+protocol.OffRole, r) }
	}
	slots := uint64(protocol.OffMPMCSlots)
	for name, d := range map[string]struct {
		do   func(*crew)
		want string
	}{
		"state":                         {word(9, protocol.NewWord(lap, 1, 0, 9)), "state of a granule"},
		"free with a span":              {word(13, protocol.NewWord(lap, 1, 0, protocol.WordFree)), "word of a free granule"},
		"free with an owner":            {word(0, protocol.NewWord(lap+1, 0, 1, protocol.WordFree)), "word of a free granule"},
		"no span":                       {word(9, protocol.NewWord(lap, 0, 2, protocol.WordClaimed)), "span of a frame"},
		"past the end of the data":      {word(10, protocol.NewWord(lap, 7, 0, protocol.WordCommitted)), "span of a frame"},
		"owner that does not exist":     {word(9, protocol.NewWord(lap, 1, 8, protocol.WordClaimed)), "owner of a frame"},
		"committed with an owner":       {word(7, protocol.NewWord(lap, 2, 1, protocol.WordCommitted)), "owner of a frame that has none"},
		"stamped for an earlier lap":    {word(2, protocol.FreeWord(lap-1)), "its word is of lap 1, want at least 2: the tail, 45, has passed it"},
		"taken in an earlier lap":       {word(2, protocol.NewWord(lap-1, 1, 1, protocol.WordTaken)), "its word is of lap 1, want at least 2"},
		"free in the middle":            {word(2, protocol.FreeWord(lap)), "it is free for lap 2, but the tail, 45, has passed it, and no frame covers it"},
		"free in the lap before":        {word(14, protocol.FreeWord(lap-1)), "it is free for lap 1, but the tail, 45, has passed it"},
		"claim that vanished":           {word(9, protocol.FreeWord(lap)), "it is free for lap 2, but the tail, 45, has passed it"},
		"free for a far lap":            {word(2, protocol.FreeWord(lap+7)), "its word is free for lap 9, but the tail, 45, has not come there"},
		"free one lap too far":          {word(14, protocol.FreeWord(lap+1)), "its word is free for lap 3, but the tail, 45, has not come there"},
		"committed beyond the tail":     {word(2, protocol.NewWord(lap+1, 1, 0, protocol.WordCommitted)), "its word is committed for lap 3, but the tail, 45, has not come there"},
		"claimed beyond the tail":       {word(15, protocol.NewWord(lap, 1, 0, protocol.WordClaimed)), "its word is claimed for lap 2, but the tail, 45, has not come there"},
		"inside of a committed frame":   {word(11, protocol.FreeWord(lap+1)), "the word of granule 11, inside of it, is 0x300000000, want 0x200000000: free for lap 2"},
		"a frame inside of a frame":     {word(11, protocol.NewWord(lap, 1, 0, protocol.WordCommitted)), "the word of granule 11, inside of it"},
		"given back from the front":     {word(5, protocol.FreeWord(lap+1)), "the word of granule 6, inside of it, is 0x200000000"},
		"too short":                     {word(10, protocol.NewWord(lap, 2, 0, protocol.WordCommitted)), "frame length"},
		"too long":                      {word(10, protocol.NewWord(lap, 4, 0, protocol.WordCommitted)), "its frame of 4 granules reaches behind the tail, 45"},
		"over the next frame":           {word(7, protocol.NewWord(lap, 3, 0, protocol.WordCommitted)), "the word of granule 9, inside of it"},
		"taken out of order":            {word(10, protocol.NewWord(lap, 3, 1, protocol.WordTaken)), "its frame is taken, but that at position 41, before it, is claimed still"},
		"an orphan out of order":        {word(10, protocol.NewWord(lap, 3, 0, protocol.WordOrphan)), "its frame is an orphan, but that at position 41"},
		"finished out of order":         {word(9, protocol.FreeWord(lap+1)), "its frame has been finished, but that at position 39, before it, is committed still"},
		"tail too far":                  {control(protocol.OffMPMCTail, 47), "it is free for lap 2, but the tail, 47, has passed it"},
		"tail inside of a frame":        {control(protocol.OffMPMCTail, 44), "its frame of 3 granules reaches behind the tail, 44"},
		"tail a round too far":          {control(protocol.OffMPMCTail, 45+16), "it is free for lap 2, but the tail, 61, has passed it"},
		"tail half of all laps too far": {control(protocol.OffMPMCTail, 45+16<<31), "want at least"},
		"tail of 2^63":                  {control(protocol.OffMPMCTail, 1<<63), "tail is 9223372036854775808, want less than 2^63"},
		"head too far":                  {control(protocol.OffMPMCHead, 41), "its frame is committed, but the head, 41, has passed it: nobody will get it"},
		"head behind a claim":           {control(protocol.OffMPMCHead, 42), "its frame is committed, but the head, 42, has passed it"},
		"head inside of a frame":        {control(protocol.OffMPMCHead, 37), "the head, 37, is inside of its frame of 3 granules"},
		"head behind the tail":          {control(protocol.OffMPMCHead, 46), "head is 46, want at most where the tail is, 45"},
		"head of 2^64-1":                {control(protocol.OffMPMCHead, 1<<64-1), "head is 18446744073709551615, want less than 2^63"},
		"frame version":                 {data(10, 0, protocol.FrameHeader(8, 0, 0)+1<<56), "frame version and flags"},
		"padding":                       {data(10, 0, protocol.FrameHeader(8, 0, protocol.FramePadding)), "frame version and flags"},
		"nothing written":               {data(10, 0, 0), "frame version and flags"},
		"message longer than its span":  {data(10, 0, protocol.FrameHeader(761, 0, 0)), "frame length"},
		"batch longer than its span":    {data(7, 0, protocol.FrameHeader(504, 0, protocol.FrameBatch)), "length of a batch"},
		"message of a batch":            {data(7, 16+112, protocol.FrameHeader(8, 0, protocol.FrameBatch)), "message at byte 112 of a batch: "},
		"message longer than a batch":   {data(7, 16+224, protocol.FrameHeader(105, 0, 0)), "message at byte 224 of a batch: "},
		"progress before it is taken":   {data(7, 8, 112), "progress of a batch that nobody has taken is 112, want 0"},
		"progress inside of a message":  {data(4, 8, 8), "progress of a batch is 8, want where one of its messages begins, or its length, 624"},
		"progress past the end":         {data(4, 8, 632), "progress of a batch is 632"},
		"owner that left":               {status(1, protocol.NewMPMCStatus(1, 0, protocol.EntryClosed)), "its frame is taken by participant 3, whose status is 2, want 1 (active): nobody will give it back"},
		"owner that was recovered":      {status(2, protocol.NewMPMCStatus(1, 1, protocol.EntryDied)), "its frame is claimed by participant 4, whose status is 3"},
		"owner that never was":          {status(2, 0), "its frame is claimed by participant 4, whose status is 0"},
		"status":                        {status(5, protocol.NewMPMCStatus(1, 0, 4)), "status of participant 7 is 4, want 0 (never), 1 (active), 2 (closed) or 3 (died)"},
		"epoch":                         {status(5, protocol.NewMPMCStatus(3, 1, protocol.EntryNever)), "status of participant 7 is 0 (never), but its epoch"},
		"never taken":                   {status(5, protocol.NewMPMCStatus(0, 0, protocol.EntryClosed)), "status of participant 7 is 2, but it was taken 0 times"},
		"more producers than takes":     {status(5, protocol.NewMPMCStatus(3, 4, protocol.EntryClosed)), "participant 7 was taken 3 times, but 4 times by a producer"},
		"no role":                       {role(0), "role of participant 4 is 0, want 1 (producer) or 2 (consumer)"},
		"role":                          {role(3), "role of participant 4 is 3"},
		"poison":                        {control(protocol.OffPoison, 1), "poison word is 1"},
		"data gate":                     {control(protocol.OffDataGate, 4), "waiting word is 4"},
		"space gate":                    {control(protocol.OffSpaceGate, 8), "waiting word is 8"},
		"reserved behind the tail":      {control(protocol.OffMPMCTail+8, 1), "reserved bytes"},
		"reserved behind displaced":     {control(protocol.OffMPMCDisplaced+16, 1), "reserved bytes"},
		"deaths of producers to come":   {control(protocol.DisplacedOffset(protocol.RoleProducer), 1<<40), "word of displaced producers is 1099511627776"},
		"deaths of consumers to come":   {control(protocol.DisplacedOffset(protocol.RoleConsumer), 1<<40), "word of displaced consumers is 1099511627776"},
		"reserved recovery counter":     {control(protocol.OffMPMCRecovery+48, 1), "reserved bytes"},
		"reserved behind the poison":    {control(protocol.OffMPMCSlots-8, 1), "reserved bytes"},
		"reserved slot counter":         {control(slots+3*protocol.MPMCSlotSize+96, 1), "reserved bytes"},
		"reserved behind the slots":     {control(slots+8*protocol.MPMCSlotSize, 1), "reserved bytes"},
		"reserved behind the words":     {control(protocol.WordsOffset(8)+8*16, 1), "reserved bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			c := busyCrew(t)
			c.requireSound()
			d.do(c)
			before := slices.Clone(c.mem)
			c.requireBroken(d.want)
			require.Equal(t, before, c.mem)
		})
	}
}

func TestSegment_FindsBytesInARingsEntryThatItsModeDoesNotUse(t *testing.T) {
	c := smallCrew(t)
	c.h.Rings[0].Granule = 64 // of the SPSC ring
	c.h.Encode(c.mem)
	problems := c.found()
	require.Len(t, problems, 1)
	require.Equal(t, 0, problems[0].Ring)
	require.Contains(t, problems[0].Text, "reserved bytes are 0x40, want 0")
}

// Damage of an MPMC ring before the tail has gone round once, where positions would be below zero.
func TestCrowd_FindsDamageInTheFirstLap(t *testing.T) {
	const before = 1<<32 - 1 // the lap before the first
	for name, d := range map[string]struct {
		w    protocol.Word
		want string
	}{
		"free in the lap before the first":    {protocol.FreeWord(before), "it is free for lap 4294967295, but the tail, 0, has passed it"},
		"claimed in the lap before the first": {protocol.NewWord(before, 1, 0, protocol.WordClaimed), "it is claimed in a lap before the first"},
		"claimed":                             {protocol.NewWord(0, 1, 0, protocol.WordClaimed), "its word is claimed for lap 0, but the tail, 0, has not come there"},
		"free for the next lap":               {protocol.FreeWord(1), "its word is free for lap 1, but the tail, 0, has not come there"},
	} {
		t.Run(name, func(t *testing.T) {
			c := smallCrew(t)
			c.putWord(7, d.w)
			c.requireBroken(d.want)
		})
	}
}

func FuzzCrowd_NeverPanicsAndNeverWrites(f *testing.F) {
	check.SetPatience(f, 0)
	c := busyCrew(f)
	control := uint32(c.r.Control)
	f.Add(uint32(0), uint64(0), uint32(0), uint64(0), []byte{})
	f.Add(control+protocol.OffMPMCTail, ^uint64(0), control+protocol.OffMPMCHead, uint64(1<<63-1), []byte{})
	f.Add(control+protocol.OffMPMCTail, uint64(1<<63-1), uint32(c.word(3)), uint64(protocol.NewWord(1<<31, 3, 2, protocol.WordTaken)), []byte{})
	f.Add(uint32(c.word(4)), uint64(protocol.NewWord(2, 12, 255, protocol.WordTaken)), uint32(c.data(4)), ^uint64(0), []byte{2, 0, 0, 0})
	f.Fuzz(func(t *testing.T, at1 uint32, v1 uint64, at2 uint32, v2 uint64, words []byte) {
		changed := append(aligned(len(c.mem))[:0], c.mem...)
		copy(changed[c.word(0):c.r.Data], words)
		put64(changed, uint64(at1)%uint64(len(changed)-8), v1)
		put64(changed, uint64(at2)%uint64(len(changed)-8), v2)
		before := slices.Clone(changed)
		found(changed, func(i uint32) (bool, error) { return i%2 == 0, nil })
		require.Equal(t, before, changed)
	})
}
