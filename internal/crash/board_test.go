//go:build seam && linux

package crash_test

import (
	"shmpipe/futex"
	"shmpipe/internal/crash"
	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

// Words of the board. All of them are zero when a case begins.
const (
	wDied      = iota // when the victim died, nanoseconds of futex.Now
	wFate             // 1: the victim dies; 2: it has been too slow and must not any more
	wGo               // survivors may begin
	wStop             // 1: producers leave; 2: consumers leave too
	wLeft             // producers that have left
	wLap              // bytes of the ring that survivors sent and got since the death
	wRecovered        // when that was a whole lap
	wCensus           // from here, how often the victim has come to each site
	wLedger    = wCensus + int(seam.Sites)
)

// Senders of a case.
const (
	senderWreck = iota
	senderVictim
	senderNewcomer
	senderSurvivor // from here, one for each
	senders        = 8

	eachSender = 1 << 18
)

const boardWords = wLedger + 2*8 + senders + senders*eachSender/16

// board is what the processes of a case share besides the ring. Who is killed leaves it as it is.
type board struct {
	*shmtest.Board
	ledger *crash.Ledger
}

func newBoard(b *shmtest.Board) board {
	return board{b, crash.NewLedger(func(i int) crash.Word { return b.At(wLedger + i) }, senders, eachSender)}
}

func openBoard(path string) (board, error) {
	b, err := shmtest.OpenBoard(path)
	if err != nil {
		return board{}, err
	}
	return newBoard(b), nil
}

// clear makes the board as new. No case runs.
func (b board) clear() {
	for i := range wLedger {
		b.At(i).Store(0)
	}
	b.ledger.Clear()
}

func (b board) is(word int) bool { return b.At(word).Load() != 0 }

// passed counts a message that a survivor got. As soon as those that were begun after the death make up a whole lap of the ring, each
// place in it has been given back, claimed, committed and taken again: whatever the victim held, somebody has dealt with it.
func (b board) passed(m crash.Message, bytes, lap uint64) {
	died := b.At(wDied).Load()
	if died == 0 || m.Began < int64(died) {
		return
	}
	if b.At(wLap).Add(bytes) >= lap && !b.is(wRecovered) {
		b.At(wRecovered).CompareAndSwap(0, uint64(futex.Now()))
	}
}
