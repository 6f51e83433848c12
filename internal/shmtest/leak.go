package shmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main is a package's TestMain: it runs a child's role, or the tests, and then checks that these left no descriptor, mapping, file
// or goroutine behind. It returns the exit code.
func Main(m *testing.M, roles map[string]Role) int {
	if os.Getenv(SandboxVariable) != "" {
		if err := enterSandbox(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitNoSandbox
		}
	}
	if name := os.Getenv(RoleVariable); name != "" {
		role, ok := roles[name]
		if !ok {
			fmt.Fprintf(os.Stderr, "role %q is unknown\n", name)
			return 2
		}
		return runRole(role, os.Args[1:])
	}
	before := Take()
	code := m.Run()
	if leaks := before.Leaks(); code == 0 && leaks != "" {
		fmt.Fprintln(os.Stderr, "left behind by the tests:\n"+leaks)
		code = 1
	}
	return code
}

// Snapshot is what this process holds at one time.
type Snapshot struct {
	descriptors map[string]string // number to what it leads to
	files       map[string]bool
	goroutines  int
}

// Take takes a snapshot.
func Take() Snapshot { return Snapshot{descriptors(), files(), runtime.NumGoroutine()} }

// Leaks says what is there that was not there before, after it has had time to go; "" if nothing.
func (s Snapshot) Leaks() string {
	var left string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if left = s.now(); left == "" {
			return ""
		}
	}
	return left
}

func (s Snapshot) now() string {
	var b strings.Builder
	for n, target := range descriptors() {
		if s.descriptors[n] != target {
			fmt.Fprintf(&b, "descriptor %s: %s\n", n, target)
		}
	}
	for _, line := range Mappings("/dev/shm/", "/SYSV", "/memfd:") {
		fmt.Fprintf(&b, "mapping: %s\n", line)
	}
	for f := range files() {
		if !s.files[f] {
			fmt.Fprintf(&b, "file: %s\n", f)
		}
	}
	if n := runtime.NumGoroutine(); n > s.goroutines {
		stacks := make([]byte, 1<<20)
		fmt.Fprintf(&b, "%d goroutines, were %d\n%s\n", n, s.goroutines, stacks[:runtime.Stack(stacks, true)])
	}
	return b.String()
}

// files are those that tests of a process with this pid made. Some may be there before it made any: a killed one's had it, too.
func files() map[string]bool {
	found := make(map[string]bool)
	for _, pattern := range [...]string{"shmpipe.", "shmpipe-sysv.", "shmpipe-mq.", "shmpipe-msg.", ""} {
		names, _ := filepath.Glob("/dev/shm/" + pattern + ownPrefix() + "*")
		for _, name := range names {
			found[name] = true
		}
	}
	return found
}

// descriptors are this process's, but for those that the Go runtime opens once and keeps.
func descriptors() map[string]string {
	found := make(map[string]string)
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err != nil || strings.HasPrefix(target, "anon_inode:[event") || strings.HasPrefix(target, "/proc/") {
			continue
		}
		found[e.Name()] = target
	}
	return found
}

// Mappings are the lines of /proc/self/maps whose paths contain one of the texts. A file that had no name when it was mapped has
// none there: only who opened a segment, and did not create it, has its name in the path.
func Mappings(texts ...string) []string {
	maps, _ := os.ReadFile("/proc/self/maps")
	var found []string
	for line := range strings.Lines(string(maps)) {
		_, path, _ := strings.Cut(line, "/") // before it come address and mode
		for _, text := range texts {
			if strings.Contains("/"+path, text) {
				found = append(found, strings.TrimSpace(line))
				break
			}
		}
	}
	return found
}
