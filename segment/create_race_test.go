//go:build linux

package segment

import (
	"errors"
	"io/fs"
	"math/rand"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestCreate_OneOfManyProcessesWins(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		var kids []*child
		for range 8 {
			kids = append(kids, start(t, "race", nil, p.args()...))
		}
		stop := watchOpener(t, p)
		for _, c := range kids {
			c.in.Write([]byte("x"))
		}
		won := 0
		for _, c := range kids {
			if c.line(t) == "created" {
				won++
			}
		}
		require.Equal(t, 1, won)
		require.Positive(t, stop(), "the opener saw it")
		require.Len(t, names(t, p.o.Dir), 1)
	})
}

// watchOpener opens the segment again and again. It may be absent, but is never seen unready.
func watchOpener(t *testing.T, p place) (stop func() (opened int)) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	opened := 0
	wg.Go(func() {
		for last := false; ; {
			s, err := Open(p.b, p.name, p.o)
			switch {
			case err == nil:
				opened++
				if s.State() != protocol.StateReady {
					t.Errorf("state is %d", s.State())
				}
				s.Close()
			case !errors.Is(err, fs.ErrNotExist):
				t.Errorf("open while it is created: %v", err)
			}
			if last {
				return
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
	})
	return func() int { close(done); wg.Wait(); return opened }
}

func TestCreate_OneOfManyGoroutinesWinsAgainAndAgain(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		h := layout(4096)
		for range 50 {
			var wg sync.WaitGroup
			results := make(chan *Segment, 8)
			for range 8 {
				wg.Go(func() {
					s, err := Create(b, p.name, h, p.o)
					if err != nil && !errors.Is(err, fs.ErrExist) {
						t.Error(err)
					}
					results <- s
				})
			}
			wg.Wait()
			close(results)
			var won []*Segment
			for s := range results {
				if s != nil {
					won = append(won, s)
				}
			}
			require.Len(t, won, 1)
			require.NoError(t, p.open(t).Close(), "those who lost took nothing away")
			require.NoError(t, won[0].RemoveIfIdle())
			require.NoError(t, won[0].Close())
			require.Empty(t, names(t, p.o.Dir))
		}
	})
}

func TestCreate_KilledAtAnyMomentLeavesNothingInTheWay(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewSource(seed))
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		absent, whole := 0, 0
		var takes time.Duration // as the first one shows, which is killed when it is done
		for i := range 50 {
			c := start(t, "create", nil, p.args()...)
			require.Equal(t, "ready", c.line(t))
			if began := time.Now(); i == 0 {
				require.Equal(t, "created", c.line(t))
				takes = time.Since(began)
			} else {
				time.Sleep(time.Duration(rnd.Int63n(int64(takes + takes/4))))
			}
			c.end()
			s, err := Open(b, p.name, p.o)
			if err == nil {
				whole++
				require.Equal(t, protocol.StateReady, s.State())
				require.NoError(t, s.Close())
				require.NoError(t, Remove(b, p.name, p.o, false))
				require.Empty(t, names(t, p.o.Dir))
				continue
			}
			absent++
			if b == POSIX {
				require.ErrorIs(t, err, fs.ErrNotExist)
				require.Empty(t, names(t, p.o.Dir))
			} else {
				require.True(t, errors.Is(err, fs.ErrNotExist) || errors.Is(err, protocol.ErrNotReady), "%v", err)
			}
			s, err = Create(b, p.name, layout(4096), p.o)
			require.NoError(t, err, "the next creator is not hindered")
			require.NoError(t, s.RemoveIfIdle())
			require.NoError(t, s.Close())
		}
		t.Logf("%d absent, %d whole", absent, whole)
	})
}
