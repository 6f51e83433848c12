package contest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

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

// notePath is the file that says that this process has made an object.
func notePath(kind string, id int) string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("%s.%s-%d", trial.ObjectName(), kind, id))
}

// note writes down that this process has made an object. Where that fails, the object merely outlives a kill.
func note(kind string, id int) {
	f, err := os.OpenFile(notePath(kind, id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // exclusively: it follows no link
	if err == nil {
		_ = f.Close()
	}
}

// forget removes the note of an object that is gone.
func forget(kind string, id int) { _ = os.Remove(notePath(kind, id)) }

// ClearStaleSysV removes the System V objects that notes in a folder tell of, if whoever made them is dead, and those notes. It does not believe
// a note that is not this user's own, and leaves an object alone that is not this user's or has a key: somebody else has the number by now. It
// returns how many notes it removed. What it could not remove stays, with its note, and is in the error.
//
// Call it before anything that removes the files of the dead by their names: without its note, an object is lost.
func ClearStaleSysV(dir string, alive func(pid int) bool) (cleared int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("look for notes of System V objects: %w", err)
	}
	for _, e := range entries {
		pid, ok := maker(e.Name())
		if !ok || alive(pid) || !isOwn(e) {
			continue
		}
		clearErr := ClearNoted(e.Name())
		if errors.Is(clearErr, fs.ErrPermission) {
			clearErr = nil // what the note told of is gone, and so can the note
		}
		if clearErr == nil {
			clearErr = os.Remove(filepath.Join(dir, e.Name()))
		}
		if clearErr != nil && !errors.Is(clearErr, fs.ErrNotExist) {
			err = errors.Join(err, clearErr)
			continue
		}
		cleared++
	}
	return cleared, err
}

// maker is the process that the name of a note tells of.
func maker(name string) (pid int, ok bool) {
	rest, ours := strings.CutPrefix(name, "shmpipe-bench-")
	number, what, dot := strings.Cut(rest, ".")
	kind, id, dash := strings.Cut(what, "-")
	pid, err := strconv.Atoi(number)
	if !ours || !dot || !dash || err != nil || pid <= 0 || kind != noteMessages && kind != noteSemaphores {
		return 0, false
	}
	_, err = strconv.ParseUint(id, 10, 31)
	return pid, err == nil
}

// isOwn reports whether a file is a plain one and belongs to this user: whoever could plant a note would have us remove what it names.
func isOwn(e os.DirEntry) bool {
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid()
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
