package suite

import (
	"os"

	"shmpipe"
	"shmpipe/internal/mq"
)

// everywhere are the objects that trials may have left: pipes of shmpipe, in all backends; queues; files.
func everywhere() (found []stale) {
	for _, b := range [...]shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV, shmpipe.POSIXQueue, shmpipe.SysVQueue} {
		o := &shmpipe.Options{Backend: b}
		entries, _ := shmpipe.List(o) // none, where there is no such backend
		for _, e := range entries {
			if pid, ok := pidOf(e.Name); ok {
				found = append(found, stale{pid, func() error { return shmpipe.Remove(e.Name, true, o) }})
			}
		}
	}
	names, _ := mq.ListPOSIX()
	for _, n := range names {
		if pid, ok := pidOf(n); ok {
			found = append(found, stale{pid, func() error { return mq.RemovePOSIX(n) }})
		}
	}
	return append(append(found, inFolder("/dev/shm")...), inFolder(os.TempDir())...)
}
