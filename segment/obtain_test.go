//go:build linux

package segment

import (
	"bytes"
	"math/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

func TestObtained_IsAnAnswerToEachQuestion(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			p := newPlace(t, b)
			require.Zero(t, p.create(t).Obtained())
			p = newPlace(t, b)
			p.o.HugePages, p.o.Lock, p.o.Prefault = true, true, true
			s, err := Create(b, p.name, layout(8<<20), p.o)
			require.NoError(t, err)
			defer s.Close()
			got := s.Obtained()
			t.Logf("%+v", got)
			for _, answer := range []string{got.HugePages, got.Locked, got.Prefaulted} {
				require.Regexp(t, "^(yes$|partly: |no: )", answer)
			}
			require.Equal(t, "yes", got.Prefaulted)
			if b != Memfd {
				o := p.open(t)
				require.Regexp(t, "^(yes$|partly: |no: )", o.Obtained().Prefaulted)
			}
		})
	}
}

func TestObtained_HugePagesAreWhatTheKernelSays(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			p := newPlace(t, b)
			p.o.HugePages = true
			small := p.create(t)
			require.Regexp(t, "^(no: |yes$)", small.Obtained().HugePages)
			require.NoError(t, small.RemoveIfIdle())
			noLeak(t, func() {
				s, err := Create(b, p.name, layout(8<<20), p.o)
				require.NoError(t, err)
				t.Log(s.Obtained().HugePages)
				got, _, ok := hugeBytes(address(s.Bytes()))
				require.True(t, ok)
				if s.Obtained().HugePages == "yes" {
					require.GreaterOrEqual(t, got, uint64(8<<20))
				}
				s.Bytes()[len(s.Bytes())-1] = 5
				if b != Memfd {
					o := p.open(t)
					require.EqualValues(t, 5, o.Bytes()[len(s.Bytes())-1])
					ro := p.o
					ro.ReadOnly = true
					r, err := Open(b, p.name, ro)
					require.NoError(t, err)
					require.NoError(t, r.Close())
					require.NoError(t, o.Close())
				}
				require.NoError(t, s.RemoveIfIdle())
				require.NoError(t, s.Close())
			})
		})
	}
}

func TestObtained_LockBeyondTheLimitSaysTheLimit(t *testing.T) {
	needRoot(t)
	c := start(t, "memory-limit", nil, newPlace(t, Memfd).args()...)
	require.Regexp(t, `^no: mlock of 77824 bytes: .*8192 bytes \(RLIMIT_MEMLOCK\)`, c.line(t))
}

func TestPrefault_OldKernelsAreTouchedByHand(t *testing.T) {
	real := populateWrite
	t.Cleanup(func() { populateWrite = real })
	populateWrite = func([]byte) error { return unix.EINVAL }
	p := newPlace(t, POSIX)
	p.o.Prefault = true
	s := p.create(t)
	require.Equal(t, "yes", s.Obtained().Prefaulted)
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	data := s.Bytes()[s.Header().Rings[0].Data:]
	rand.New(rand.NewSource(seed)).Read(data)
	want := bytes.Clone(s.Bytes())
	require.Regexp(t, "^partly: ", p.open(t).Obtained().Prefaulted)
	touchWrite(s.Bytes(), 4096)
	require.Equal(t, want, s.Bytes(), "touching changes nothing")
	populateWrite = func([]byte) error { return unix.EFAULT }
	require.Regexp(t, "^no: ", p.open(t).Obtained().Prefaulted)
}

func TestMapping_IsNotInheritedByFork(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		s := newPlace(t, b).create(t)
		flags := smapsFlags(t, address(s.Bytes()))
		require.Contains(t, flags, " dc", "do not copy on fork")
	}
}

func TestWord_StaysInBounds(t *testing.T) {
	require.Panics(t, func() { word32(make([]byte, 8), 6) })
	require.NotPanics(t, func() { word32(make([]byte, 8), 4) })
	require.Equal(t, protocol.StateRemoved, uint32(2))
}
