package check_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/protocol"
	"shmpipe/ring"
)

const adviceUnblock = "mend it with `shmpipe unblock crew`"

func TestCrowd_NotesAProducerThatDiedWithAClaim(t *testing.T) {
	c := smallCrew(t)
	p, dead := c.producer(0), c.producer(2)
	_, o := dead.Claim(300)
	require.Equal(t, ring.Done, o)
	c.send(p, 1)
	c.kill(2)

	require.Contains(t, c.requireNote("producer (pid 4702) died without closing").Advice, adviceUnblock)
	note := c.requireNote("frame at position 0 is claimed by producer (pid 4702, participant 4), which died: consumers wait for it")
	require.Contains(t, note.Advice, adviceUnblock)
	require.Equal(t, 1, note.Ring)
	require.Equal(t, c.word(0), note.Offset)
	require.Nil(t, note.Holder, "there is nobody to be looked up")
	require.Len(t, c.found(), 2)

	c.recover(2)
	require.Empty(t, c.found(), "recovered")
}

func TestCrowd_NotesAConsumerThatDiedWithAMessageInHand(t *testing.T) {
	for _, drop := range []bool{false, true} {
		c := newCrew(t, protocol.RingSpec{Participants: 4, Drop: drop})
		p, dead := c.producer(0), c.consumer(1)
		c.send(p, 2)
		c.take(dead)
		c.kill(1)
		require.Contains(t, c.requireNote("consumer (pid 4701) died without closing").Advice, adviceUnblock)
		want := "its message waits for another consumer"
		if drop {
			want = "its space is not free yet"
		}
		require.Contains(t, c.requireNote("frame at position 0 is taken by consumer (pid 4701, participant 3), which died: "+want).Advice, adviceUnblock)

		c.recover(1)
		orphan := c.requireNote("wait for another: 1, the first at position 0")
		require.Contains(t, orphan.Advice, "shmpipe consumer crew")
		require.Len(t, c.found(), 1)
		v := c.consumer(2)
		_, _, o := v.Next()
		require.Equal(t, drop, o == ring.Empty)
		require.Empty(t, c.found(), "somebody has it")
	}
}

func TestCrowd_NotesWhatOneWhoDiedHoldsBeyondItsFirstFrame(t *testing.T) {
	c := smallCrew(t)
	dead := c.consumer(1)
	p := c.producer(0)
	for range 3 {
		c.send(p, 1)
	}
	c.take(dead)
	for i := range uint64(2) { // as no sound participant does
		c.putWord(1+i, protocol.NewWord(0, 1, 1, protocol.WordSkipping))
	}
	c.kill(1)
	c.requireNote("frame at position 0 is taken by consumer", "; and it holds 2 more")
	c.putWord(0, protocol.FreeWord(1))
	c.requireNote("frame at position 1 is being skipped by consumer", "its space is not free yet; and it holds 1 more")
}

func TestCrowd_NotesOrphansOfWhoLeft(t *testing.T) {
	c := smallCrew(t)
	p := c.producer(0)
	for slot := range uint8(2) {
		v := c.consumer(1 + slot)
		c.send(p, 1)
		c.take(v)
	}
	c.requireSound()
	require.Empty(t, c.found())
	for index := range uint64(2) {
		c.putWord(index, c.getWord(index).With(1, protocol.WordOrphan))
	}
	c.requireNote("frames that a consumer had in hand when it died or left, and that wait for another: 2, the first at position 0")
}

func TestCrowd_NotesALiveProducerForWhichAllWait(t *testing.T) {
	c := smallCrew(t)
	p, slow := c.producer(0), c.producer(2)
	c.send(p, 1)
	_, o := slow.Claim(10)
	require.Equal(t, ring.Done, o)
	c.send(p, 1)
	require.Empty(t, c.found(), "there is a message before it: nobody waits for it yet")

	v := c.consumer(1)
	c.take(v)
	note := c.requireNote("all consumers wait for producer (pid 4702, participant 4), which has claimed the frame at position 1 and not committed it")
	require.Equal(t, &check.Holder{Entry: 4, Role: protocol.RoleProducer, PID: 4702, PIDNamespace: 4026531836, StartTime: 99}, note.Holder)
	require.Contains(t, note.Advice, "nobody may touch what a live participant holds")
	require.Len(t, c.found(), 1)

	unknown := found(c.mem, nil)
	require.Len(t, unknown, 1, "nobody can tell who is alive")
	require.NotNil(t, unknown[0].Holder)

	require.Equal(t, ring.Done, slow.Commit(10, 0))
	require.Empty(t, c.found())
}

func TestCrowd_NotesATakenFrameThatKeepsTheRingFull(t *testing.T) {
	c := smallCrew(t)
	p, slow, v := c.producer(0), c.consumer(1), c.consumer(2)
	for range c.granules {
		c.send(p, 1)
	}
	c.take(slow)
	for range c.granules - 1 {
		c.take(v)
	}
	v.Release()
	require.Equal(t, ring.Full, p.Send(nil, 0))
	note := c.requireNote("the ring is full: all producers wait for consumer (pid 4701, participant 3), which has the frame at position 0 in hand")
	require.Equal(t, uint32(4701), note.Holder.PID)
	require.Equal(t, protocol.RoleConsumer, note.Holder.Role)
	require.Len(t, c.found(), 1)

	c.kill(1)
	for _, p := range c.requireSound() {
		require.NotContains(t, p.Text, "the ring is full", "the dead one is named as such")
	}
	c.recover(1)
	c.requireNote("wait for another: 1")
	c.take(v)
	v.Release()
	require.Empty(t, c.found())
}

func TestCrowd_NotesThatNobodyCanTellWhoIsAlive(t *testing.T) {
	c := smallCrew(t)
	c.producer(0)
	problems := found(c.mem, func(uint32) (bool, error) { return false, errors.New("no locks here") })
	require.Len(t, problems, 1)
	require.True(t, problems[0].Note)
	require.Contains(t, problems[0].Text, "no locks here")
}

func TestCrowd_SaysNothingOfWhoLeftOrWasRecovered(t *testing.T) {
	c := smallCrew(t)
	c.producer(0)
	c.consumer(1)
	c.end(0, protocol.EntryClosed)
	c.end(1, protocol.EntryDied)
	c.kill(0)
	c.kill(1)
	require.Empty(t, c.found())
}
