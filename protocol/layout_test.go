package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestStatus_UnpacksToWhatWasPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch := rapid.Uint64Range(0, 1<<56-1).Draw(t, "epoch")
		state := rapid.Byte().Draw(t, "state")
		s := NewStatus(epoch, state)
		require.Equal(t, epoch, s.Epoch())
		require.Equal(t, state, s.State())
	})
	require.EqualValues(t, 0, NewStatus(0, EntryNever), "zeroed memory is an entry that nobody has had")
	require.EqualValues(t, 0x0701, NewStatus(7, EntryActive))
}

func TestLeaseBytes_LieBeyondAnySegmentAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		require.Equal(t, a == b, LeaseByte(a) == LeaseByte(b))
		require.Greater(t, LeaseByte(a), AttachByte)
	})
	largest := uint64(MaxRings) * (MaxCapacity + 16*PageSize)
	require.Greater(t, uint64(AttachByte), largest)
	require.Positive(t, LeaseByte(math.MaxUint32), "an offset of a file is signed")
}

func TestControlBlock_KeepsWritersOnLinesOfTheirOwn(t *testing.T) {
	groups := [][]uint64{
		{OffTail, OffSent, OffSentBytes},
		{OffHead},
		{OffCursor, OffReceived, OffReceivedBytes},
		{OffDataGate},
		{OffSpaceGate},
		{OffProducerCounters, OffProducerCounters + 8*(CounterCount-1)},
		{OffConsumerCounters, OffConsumerCounters + 8*(CounterCount-1)},
		{OffPoison},
	}
	owner := map[uint64]int{}
	for i, group := range groups {
		for _, off := range group {
			require.Zero(t, off%8, "64-bit atomic words are aligned also on 32-bit hosts")
			line := off / Line
			if before, taken := owner[line]; taken {
				require.Equal(t, before, i, "offset %#x shares a line", off)
			}
			owner[line] = i
			require.Less(t, off, uint64(ControlSize))
		}
	}
}

func TestCursor_HasRoomForItsFlag(t *testing.T) {
	require.Zero(t, CursorInHand&^uint64(FrameAlign-1), "positions are multiples of FrameAlign")
}

func TestNames_OfModesAndRoles(t *testing.T) {
	require.Equal(t, "spsc", SPSC.String())
	require.Equal(t, "mpmc", MPMC.String())
	require.Equal(t, "unknown", Mode(9).String())
	require.Equal(t, "producer", RoleProducer.String())
	require.Equal(t, "consumer", RoleConsumer.String())
	require.Equal(t, "none", RoleNone.String())
	require.Equal(t, "none", Role(77).String())
}
