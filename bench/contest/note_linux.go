package contest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// A System V queue or set of semaphores without a key could not be found again if its maker were killed. So an empty file says that it is there:
// it begins with the name of this process's objects, like all that has to be cleared after a kill, and ends with kind and identifier.

// Kinds of objects that are noted.
const (
	noteMessages   = "msg"
	noteSemaphores = "sem"
)

// note writes down that this process has made an object. Where that fails, the object merely outlives a kill.
func note(kind string, id int) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("%s.%s-%d", trial.ObjectName(), kind, id)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		_ = f.Close()
	}
}

// forget removes the note of an object that is gone.
func forget(kind string, id int) {
	found, _ := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("shmpipe-bench-*.%s-%d", kind, id)))
	for _, path := range found {
		_ = os.Remove(path)
	}
}

// ClearNoted removes the System V object, if it is there and ours, that a note of this name in the folder of temporary files tells of. For other
// names it does nothing. The caller removes the file, and knows that its maker is dead.
func ClearNoted(name string) error {
	_, what, _ := strings.Cut(name, ".")
	kind, number, ok := strings.Cut(what, "-")
	id, err := strconv.Atoi(number)
	if !ok || err != nil || id < 0 {
		return nil
	}
	switch kind {
	case noteMessages:
		var s messageState
		if err = messageControl(id, unix.IPC_STAT, &s); err == nil {
			if s.key != unix.IPC_PRIVATE || s.cuid != uint32(os.Geteuid()) {
				return fmt.Errorf("message queue %d: %w: it is another one by now", id, fs.ErrPermission)
			}
			err = messageRemove(id)
		}
	case noteSemaphores:
		var mine bool
		if mine, err = semaphoresAreOurs(id); err == nil {
			if !mine {
				return fmt.Errorf("semaphores %d: %w: they are others by now", id, fs.ErrPermission)
			}
			err = semaphoreRemove(id)
		}
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EIDRM) {
		return nil // gone already
	}
	return err
}
