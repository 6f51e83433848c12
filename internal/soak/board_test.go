//go:build linux

package soak_test

import (
	"shmpipe/internal/crash"
	"shmpipe/internal/shmtest"
)

const maxWorkers = 16

// Words of the board.
const (
	wStop     = 0                      // 1: producers leave; 2: consumers leave too
	wAttached = 1                      // from here, one for each worker: whether it has its end of the ring
	wWaiting  = wAttached + maxWorkers // since when it has been in a method that waits, nanoseconds of futex.Now; 0: it is not
	wCalls    = wWaiting + maxWorkers  // methods it has called
	wLedger   = wCalls + maxWorkers
)

// board is what the processes share besides the ring; who is killed leaves it as it is.
type board struct {
	*shmtest.Board
	ledger *crash.Ledger
}

func boardWords(senders, each int) int { return wLedger + crash.LedgerWords(senders, each) }

func newBoard(b *shmtest.Board, senders, each int) board {
	return board{b, crash.NewLedger(func(i int) crash.Word { return b.At(wLedger + i) }, senders, each)}
}
