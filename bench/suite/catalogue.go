package suite

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"shmpipe/bench/contest"
	"shmpipe/bench/result"
)

// Contestant is one that may take part.
type Contestant struct {
	Name    string
	About   string   // in a line
	Command []string // program and first arguments; the mode comes next
	Modes   []string // of package result; nil: the program says what it cannot do
	Absent  string   // why it cannot take part here; "": it can
}

const notBuilt = "not built: run `make bench-build` in the repository (`make bench-deps` before it installs what it needs)"

// Programs in C, and the contestants of the nested module.
var inC = [...][2]string{
	{"pingpong", "a cache line there and back, with nothing around it: the floor"},
	{"ring", "C: the textbook ring of bytes, cached indices"},
	{"slots", "C: slots of one size, each with its own flag"},
	{"memcpypair", "C: two processes that copy in and out of shared memory in turn"},
	{"mutex", "C: a ring in shared memory guarded by a pthread mutex and condition variables"},
	{"posixsem", "C: slots in shared memory counted by POSIX semaphores"},
	{"boostmq", "Boost.Interprocess message_queue"},
	{"zmq", "ZeroMQ over ipc://"},
	{"nng", "NNG over ipc://"},
	{"dpdkring", "DPDK rte_ring of slots in shared memory"},
}

var inPeers = [...][2]string{
	{"gvisor-pipe", "gVisor's sharedmem pipe"},
	{"gvisor-pipe-64", "gVisor's sharedmem pipe, 64 PAUSE when empty"},
	{"gvisor-flipcall", "gVisor's flipcall: a call for each message"},
	{"shmipc", "shmipc-go: a stream in shared memory, woken through a Unix socket"},
	{"mangos", "mangos (nanomsg in Go) over ipc://"},
	{"grpc", "gRPC stream over a Unix socket"},
}

// crowded are the contestants of package crowd: our name, its name, and what it is, unless package contest says that of the name.
var crowded = [...][3]string{
	{"shmpipe-mpmc-memfd", "mpmc"},
	{"vyukov", "vyukov", "the textbook's queue of many producers and consumers, after Dmitry Vyukov, in shared memory"},
	{"vyukov-yield", "vyukov-yield", "the same, and gives its processor away after 16 looks in vain"},
	{"pipe", "pipe"}, {"unix-dgram", "unix-dgram"}, {"posix-mq", "posix-mq"}, {"sysv-mq", "sysv-mq"},
}

// Verbs of this program that make it a contestant.
type Verbs struct{ Contestant, Crowd string }

// Catalogue is everybody. Self is this program.
func Catalogue(self string, verbs Verbs, dirs Dirs) []Contestant {
	var all []Contestant
	for _, name := range contest.Names() {
		all = append(all, Contestant{Name: name, About: contest.Describe(name), Command: []string{self, verbs.Contestant, name}, Modes: contest.Modes(name)})
	}
	for _, c := range crowded {
		about := cmp.Or(c[2], contest.Describe(c[0]))
		all = append(all, Contestant{Name: c[0], About: about, Command: []string{self, verbs.Crowd, c[1]}, Modes: []string{result.Crowd}})
	}
	for _, c := range inC {
		v := Contestant{Name: c[0], About: c[1], Command: []string{filepath.Join(dirs.C, c[0])}}
		v.Absent = cmp.Or(dirs.Why, absent(v.Command[0]))
		all = append(all, v)
	}
	program := filepath.Join(dirs.Peers, "peers")
	for _, c := range inPeers {
		all = append(all, Contestant{Name: c[0], About: c[1], Command: []string{program, c[0]}, Absent: cmp.Or(dirs.Why, absent(program))})
	}
	return all
}

// absent says why a program is not there, or is not to be run; beside it may lie a file with the reason.
func absent(program string) string {
	if !filepath.IsAbs(program) { // of no folder: it would be looked for in the working directory, or wherever programs are
		return notBuilt
	}
	if _, err := os.Stat(program); !errors.Is(err, fs.ErrNotExist) {
		if err := trusted(filepath.Dir(program), program); err != nil {
			return "not run: " + err.Error()
		}
		return ""
	}
	if why, err := os.ReadFile(program + ".absent"); err == nil {
		return strings.TrimSpace(string(why))
	}
	return notBuilt
}

// has reports whether a contestant may have a mode.
func (c *Contestant) has(mode string) bool {
	if c.Modes == nil { // a program of its own
		switch mode {
		case result.Throughput, result.RoundTrip, result.Load, result.Idle, result.First, result.Syscalls:
			return true
		}
		return false
	}
	if mode == result.Syscalls {
		mode = result.Throughput
	}
	for _, m := range c.Modes {
		if m == mode {
			return true
		}
	}
	return false
}
