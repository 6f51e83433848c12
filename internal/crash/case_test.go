//go:build seam && linux

package crash_test

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

// stage is where the cases are played: the board, and processes that wait for their next one.
type stage struct {
	t         *testing.T
	board     board
	survivors []*shmtest.Process
	spares    []*shmtest.Process // victims to be; a process takes much longer to start than a case to play
	census    [seam.Sites]uint64 // how often the victim of the last case came to each site
}

const crowdSize = 4 // survivors of a large case

func newStage(t *testing.T) *stage {
	s := &stage{t: t, board: newBoard(shmtest.NewBoard(t, boardWords))}
	for i := range crowdSize {
		s.survivors = append(s.survivors, shmtest.Child(t, "survivor", s.board.Path, strconv.Itoa(i)))
	}
	return s
}

// victim is a process that nobody has told anything yet.
func (s *stage) victim() *shmtest.Process {
	for len(s.spares) < 3 {
		s.spares = append(s.spares, shmtest.Child(s.t, "victim", s.board.Path))
	}
	v := s.spares[0]
	s.spares = s.spares[1:]
	return v
}

// played is how a case went.
type played struct {
	died     bool          // the victim has come to where it was to die
	recovery time.Duration // from its death until the survivors had been through a lap of the ring
	stats    shmpipe.Stats // when all was over
	messages uint64        // delivered
}

// play plays a case. Without a place to die, nobody dies, and it ends after a while.
func (s *stage) play(t *testing.T, o order, survivors int) (end played) {
	defer func() {
		if t.Failed() {
			t.Logf("the case: %v, %d survivors, %+v", o.mode, survivors, o)
		}
	}()
	pipe, err := shmpipe.Create(shmtest.TempName(t), geometry(o.mode, o.script, max(survivors, 2)), &shmpipe.Options{Wait: o.wait, Follow: true})
	require.NoError(t, err)
	defer pipe.Close()
	info, err := pipe.Info()
	require.NoError(t, err)
	o.name = info.Name
	defer shmtest.Remove(o.name)
	defer s.board.clear()

	crowd := s.survivors[:survivors]
	producers := uint64(0)
	for i, p := range crowd {
		as := o
		if as.script = part(o, i, survivors); as.script == playProducer || as.script == playBoth {
			producers++
		}
		as.seed += uint64(100 * (i + 1))
		tell(p, as)
	}
	for _, p := range crowd {
		p.Expect("joined")
	}
	if o.mode == shmpipe.SPSC {
		producers = 1 // one end or the other sends, sooner or later
	}
	victim := s.victim()
	s.act(o, victim)
	if o.die != 0 {
		limit := 500 * time.Millisecond
		if recovers(o.script) { // at once, or never: the survivors have not begun
			limit = 150 * time.Millisecond
		}
		end.died = s.eventually(limit, wDied) || !s.board.At(wFate).CompareAndSwap(0, 2)
		if end.died {
			s.reap(victim)
			if !s.eventually(shmtest.Patience, wRecovered) {
				t.Fatal(stuck(pipe, crowd))
			}
			end.recovery = time.Duration(s.board.At(wRecovered).Load() - s.board.At(wDied).Load())
		}
	} else {
		time.Sleep(100 * time.Millisecond)
		for i := range s.census {
			s.census[i] = s.board.At(wCensus + i).Load()
		}
	}
	s.board.At(wGo).Store(1)
	s.board.At(wStop).Store(1)
	if !end.died {
		victim.Wait()
		if o.mode == shmpipe.SPSC && part(o, 0, 1) == playHeir+"-of-"+playProducer {
			producers = 0 // nobody inherits from the living
		}
	}
	shmtest.Eventually(t, "producers leave", func() bool { return s.board.At(wLeft).Load() == producers })
	s.board.At(wStop).Store(2)
	for _, p := range crowd {
		p.Expect("left")
	}
	end.stats, end.messages = s.settle(t, pipe, o)
	return end
}

// part is what a survivor plays.
func part(o order, i, survivors int) string {
	switch {
	case o.mode == shmpipe.SPSC:
		return playHeir + "-of-" + o.script
	case survivors == 1:
		return playBoth
	case i%2 == 0:
		return playProducer
	}
	return playConsumer
}

// act has the victim play, after a wreck if it is to recover one; then the survivors, who would be faster, begin when it has died.
func (s *stage) act(o order, victim *shmtest.Process) {
	if !recovers(o.script) {
		s.board.At(wGo).Store(1)
		tell(victim, o)
		return
	}
	if o.script == playBlocked {
		tell(victim, o)
		victim.Expect("attached")
	}
	wreck, as := s.victim(), o
	as.script = playWreck
	tell(wreck, as)
	s.reap(wreck)
	if o.script == playBlocked {
		victim.Tell("now")
	} else {
		tell(victim, o)
	}
}

// reap waits for the end of a process that kills itself.
func (s *stage) reap(p *shmtest.Process) {
	hung := time.AfterFunc(shmtest.Patience, func() { _ = p.Process.Kill() })
	defer hung.Stop()
	_ = p.Cmd.Wait() // says that it was killed
	if p.ProcessState.String() != "signal: killed" || !hung.Stop() {
		s.t.Fatalf("a process that should kill itself did not: %v", p.ProcessState)
	}
}

// eventually waits until a word of the board is set, in small steps: a case takes a few milliseconds.
func (s *stage) eventually(limit time.Duration, word int) bool {
	for end := futex.Now() + int64(limit); !s.board.is(word); time.Sleep(200 * time.Microsecond) {
		if futex.Now() > end {
			return false
		}
	}
	return true
}

// stuck describes a ring on which nothing goes on, and has its survivors print their stacks.
func stuck(pipe *shmpipe.Pipe, crowd []*shmtest.Process) string {
	text := "the survivors do not go on"
	info, err := pipe.Info()
	if err != nil {
		return fmt.Sprintf("%s: %v", text, err)
	}
	if stats, err := pipe.Stats(); err == nil {
		text += ": " + stats.String()
	}
	for _, p := range info.Participants {
		text += "\n" + p.String()
	}
	for _, b := range info.Blocking {
		text += "\nblocking: " + b.String()
	}
	for _, p := range crowd {
		_ = p.Process.Signal(syscall.SIGQUIT)
		time.Sleep(time.Second)
	}
	return text
}
