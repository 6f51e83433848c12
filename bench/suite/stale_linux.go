package suite

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/bench/contest"
	"shmpipe/internal/mq"
)

// temporary is the folder of a run's files.
func temporary() (string, error) { return os.MkdirTemp("", objectPrefix+strconv.Itoa(os.Getpid())+"-") }

const objectPrefix = "shmpipe-bench-"

// clearAll removes what trials left whose processes are gone: they were killed. Notes of System V objects come first: the notes are themselves files
// that are removed by their names, and without its note an object is lost.
func clearAll() (removed int, err error) {
	removed, err = contest.ClearStaleSysV(os.TempDir(), alive)
	return removed + clearStale(everywhere), err
}

// clearStale removes those objects of a list whose makers are dead.
func clearStale(list func() []stale) (removed int) {
	for _, s := range list() {
		if !alive(s.pid) && s.remove() == nil {
			removed++
		}
	}
	return removed
}

// stale is an object that a process made.
type stale struct {
	pid    int
	remove func() error
}

// pidOf is the pid in the name of an object of ours: what a backend puts before a name, the prefix, the pid, and nothing or a separator. A name
// that merely holds the prefix is somebody else's.
func pidOf(name string) (int, bool) {
	for _, before := range [...]string{"shmpipe.", "shmpipe-sysv.", "shmpipe-mq.", "shmpipe-msg.", "sem."} {
		if rest, ok := strings.CutPrefix(name, before); ok {
			name = rest
			break
		}
	}
	rest, ok := strings.CutPrefix(name, objectPrefix)
	if !ok {
		return 0, false
	}
	return leadingPID(rest)
}

func leadingPID(text string) (int, bool) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 && !strings.ContainsRune("-._", rune(text[end])) {
		return 0, false
	}
	if end >= 0 {
		text = text[:end]
	}
	const mostPID = 1 << 22
	pid, err := strconv.Atoi(text)
	return pid, err == nil && pid > 0 && pid <= mostPID
}

func alive(pid int) bool { return unix.Kill(pid, 0) != unix.ESRCH }

// inFolder are the objects of a folder.
func inFolder(dir string) (found []stale) {
	entries, _ := os.ReadDir(dir) // none, if it cannot be read
	for _, e := range entries {
		if pid, ok := pidOf(e.Name()); ok && isOurs(e) {
			found = append(found, stale{pid, func() error { return os.RemoveAll(filepath.Join(dir, e.Name())) }})
		}
	}
	return found
}

// isOurs reports whether a file belongs to this user.
func isOurs(e os.DirEntry) bool {
	info, err := e.Info()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

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
