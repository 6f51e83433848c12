package crowd

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// sent is message i of a producer.
func sent(size, producer, i int) []byte {
	w := newWriter(job{Size: size, Count: i + 1}, producer)
	msg := w.message()
	for range i + 1 {
		w.stamp(msg)
	}
	return msg
}

func TestReader_AcceptsWhatWritersSend(t *testing.T) {
	for _, size := range []int{8, 16, 64, 72, 1000, 4096} {
		j := job{Size: size, Count: 10, Shape: shape{2, 2}}
		first, second := newReader(j), newReader(j)
		for p := range 2 {
			w := newWriter(j, p)
			msg := w.message()
			for i := 0; w.more(); i++ {
				w.stamp(msg)
				require.NoError(t, []*reader{first, second}[i%3/2].check(msg), "size %d", size)
			}
		}
		for p := range 2 {
			got := first.from[p]
			got.add(second.from[p])
			got.next = 0
			require.Equal(t, wanted(10), got)
		}
		require.False(t, first.done)
		require.NoError(t, first.check(poisoned(newWriter(j, 1))))
		require.True(t, first.done)
		require.NoError(t, first.check(poisoned(newWriter(j, 1))), "again")
		require.ErrorContains(t, first.check(sent(size, 0, 9)), "end seen: true")
	}
}

func TestReader_RejectsEveryTornLine(t *testing.T) {
	const size = 200
	for _, at := range []int{0, 64, 128, 192} {
		msg, old := sent(size, 1, 7), sent(size, 1, 3)
		copy(msg[at:at+8], old[at:at+8])
		r := newReader(job{Size: size, Shape: shape{2, 1}})
		require.ErrorContains(t, r.check(msg), "is torn", "at %d", at)
	}
}

func TestReader_RejectsWhatCannotBe(t *testing.T) {
	r := newReader(job{Size: 64, Shape: shape{2, 1}})
	require.EqualError(t, r.check(make([]byte, 56)), "message of 56 bytes, want 64")
	require.ErrorContains(t, r.check(sent(64, 2, 0)), "message 0 of producer 2 came, want none (of 2 producers")
	require.NoError(t, r.check(sent(64, 1, 4)), "another consumer may have those before")
	require.EqualError(t, r.check(sent(64, 1, 4)), "message 4 of producer 1 came after message 4")
	require.EqualError(t, r.check(sent(64, 1, 2)), "message 2 of producer 1 came after message 4")
	require.NoError(t, r.check(sent(64, 0, 2)), "order holds for each producer by itself")
}

func TestTally_TellsALostMessageFromADoubledOne(t *testing.T) {
	lost := wanted(100)
	lost.sum -= 30 - 17 // message 17 twice, and 30 never
	lost.squares -= 30*30 - 17*17
	require.NotEqual(t, wanted(100), lost)
	balanced := wanted(100)
	balanced.squares -= 10*10 + 24*24 - 2*17*17 // 17 three times instead of 10, 17 and 24: the sum is right
	require.NotEqual(t, wanted(100), balanced)
}

func TestParseShape_WantsTwoNumbers(t *testing.T) {
	s, err := parseShape("12x3")
	require.NoError(t, err)
	require.Equal(t, shape{12, 3}, s)
	require.Equal(t, 15, s.processes())
	for _, bad := range []string{"", "2", "2x", "x2", "2x2x2", "0x1", "1x0", "-1x1", "01x1", "2 x 2", "1001x1"} {
		_, err := parseShape(bad)
		require.ErrorContains(t, err, "want producers x consumers", bad)
	}
}

func TestJob_SaysWhatIsWrong(t *testing.T) {
	good := job{Name: "vyukov", Shape: shape{2, 2}, Size: 64, Count: 1, Ring: 4096, Wait: "spin"}
	require.NoError(t, good.check())
	for want, spoil := range map[string]func(j *job){
		`contestant is "x", want one of`:               func(j *job) { j.Name = "x" },
		"spsc has one producer and one consumer":       func(j *job) { j.Name = "spsc" },
		"size is 7, want a multiple of 8":              func(j *job) { j.Size = 7 },
		"size is 0, want a multiple of 8":              func(j *job) { j.Size = 0 },
		"count is 0, want at least 1":                  func(j *job) { j.Count = 0 },
		"ring has 4095 bytes, want at least 4096":      func(j *job) { j.Ring = 4095 },
		`wait strategy is "x", want adaptive, spin or`: func(j *job) { j.Wait = "x" },
	} {
		j := good
		spoil(&j)
		require.ErrorContains(t, j.check(), want)
	}
}

func TestBoard_HasRoomForEveryRecord(t *testing.T) {
	for _, s := range []shape{{1, 1}, {4, 4}, {5, 1}, {100, 100}} {
		b := &board{s, make([]byte, boardBytes(s))}
		last := s.processes() - 1
		b.record(last, recordHead+3*s.Producers-1).Store(1)
		require.Panics(t, func() { b.record(last+1, 0).Load() })
	}
}
