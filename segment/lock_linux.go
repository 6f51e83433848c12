package segment

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// createByte is locked exclusively while a segment is made or removed. It lies beside the byte that guards attaching, in
// the lock file; nothing is stored there.
const createByte = protocol.AttachByte - 1

// patience is how long a lock is waited for that its holder needs for microseconds, unless it was stopped.
const patience = time.Second

func retry[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if !errors.Is(err, unix.EINTR) {
			return v, err
		}
	}
}
