//go:build linux

package segment

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

const childEnv = "SHMPIPE_SEGMENT_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childEnv); role != "" {
		if err := childMain(role, os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childMain is the other process. Its arguments are backend, directory, name, and what the role needs. It prints one line as
// soon as it has done what it is for, and ends when its standard input does.
func childMain(role string, args []string) error {
	b, err := ParseBackend(args[0])
	if err != nil {
		return err
	}
	o, name := Options{Dir: args[1]}, args[2]
	var s *Segment
	switch role {
	case "lease":
		s, err = Open(b, name, o)
	case "lease-file":
		s, err = OpenFile(os.NewFile(3, "received"), o)
	case "nobody":
		if err := becomeNobody(); err != nil {
			return err
		}
		s, err = Open(b, name, o)
	case "memory-limit":
		if err := becomeNobody(); err != nil {
			return err
		}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 8192, Max: 8192}); err != nil {
			return err
		}
		o.Lock = true
		if s, err = Create(b, name, layout(64<<10), o); err == nil {
			fmt.Println(s.Obtained().Locked)
		}
		return err
	case "create":
		fmt.Println("ready")
		o.Prefault = true // so that it takes a while
		_, err = Create(b, name, layout(16<<20), o)
		if err == nil {
			fmt.Println("created")
			io.Copy(io.Discard, os.Stdin)
		}
		return err
	case "race":
		io.ReadFull(os.Stdin, make([]byte, 1))
		_, err = Create(b, name, layout(64<<10), o)
		if errors.Is(err, fs.ErrExist) {
			fmt.Println("exists")
			return nil
		}
		if err == nil {
			fmt.Println("created")
		}
		return err
	case "file-limit":
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 8192, Max: 8192}); err != nil {
			return err
		}
		_, err = Create(b, name, layout(64<<10), o)
		fmt.Println(errors.Is(err, unix.EFBIG), err)
		return nil
	default:
		return fmt.Errorf("role %q is unknown", role)
	}
	if err != nil {
		return err
	}
	i, err := strconv.ParseUint(args[3], 10, 32)
	if err != nil {
		return err
	}
	if _, err := s.Lease(uint32(i)); err != nil {
		return err
	}
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

func becomeNobody() error {
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534))
}

// child is a process of this test binary. It is killed and reaped when the test ends.
type child struct {
	*exec.Cmd
	out  *bufio.Reader
	in   io.WriteCloser
	done bool
}

func start(t *testing.T, role string, files []*os.File, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{Cmd: exec.Command(self, args...)}
	c.Env = append(os.Environ(), childEnv+"="+role)
	c.ExtraFiles = files
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewReader(out)
	c.Stderr = os.Stderr
	c.in, err = c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(c.end)
	return c
}

func (c *child) end() {
	if !c.done {
		c.done = true
		c.Process.Signal(syscall.SIGKILL)
		c.Wait()
	}
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	require.NoError(t, err, "child said %q", s)
	return strings.TrimSpace(s)
}

// place is a directory and a name in it that are cleared after the test.
type place struct {
	b    Backend
	name string
	o    Options
}

// shmDir is a directory of its own on /dev/shm.
func shmDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(DefaultDir, "shmpipe-test-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newPlace(t *testing.T, b Backend) place {
	t.Helper()
	p := place{b: b, name: "shmpipe-test-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36), o: Options{Dir: shmDir(t)}}
	if b == SysV {
		p.clearKey(t)
	}
	return p
}

func (p place) clearKey(t *testing.T) {
	key := sysvKey(p.name)
	t.Cleanup(func() {
		if id, err := shmFind(key); err == nil {
			shmRemove(id)
		}
	})
}

func (p place) create(t *testing.T) *Segment {
	t.Helper()
	s, err := Create(p.b, p.name, layout(64<<10), p.o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func (p place) open(t *testing.T) *Segment {
	t.Helper()
	s, err := Open(p.b, p.name, p.o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// listed are the entries of the place's name. SysV segments have no directory: those of tests of other packages, which run
// meanwhile, are in the list too.
func (p place) listed(t *testing.T) []Entry {
	t.Helper()
	list, err := List(p.b, p.o)
	require.NoError(t, err)
	return slices.DeleteFunc(list, func(e Entry) bool {
		return p.b == SysV && e.Name != p.name && strings.HasPrefix(e.Name, "shmpipe-test-")
	})
}

// args are a child's.
func (p place) args(more ...string) []string {
	return append([]string{p.b.String(), p.o.Dir, p.name}, more...)
}

func (p place) file() string { return filepath.Join(p.o.Dir, posixEntry(p.name)) }

func (p place) lockFile() string { return filepath.Join(p.o.Dir, lockEntry(p.name)) }

func layout(capacity uint64) *protocol.Header {
	h, err := protocol.NewHeader([]protocol.RingSpec{{Mode: protocol.SPSC, Capacity: capacity}})
	if err != nil {
		panic(err)
	}
	return h
}

func lease(t *testing.T, s *Segment, i uint32) *Lease {
	t.Helper()
	l, err := s.Lease(i)
	require.NoError(t, err)
	t.Cleanup(func() { l.Release() })
	return l
}

func held(t *testing.T, s *Segment, i uint32) bool {
	t.Helper()
	h, err := s.Held(i)
	require.NoError(t, err)
	return h
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 20*time.Second, time.Millisecond, what)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts or changes its user")
	}
}

// patch changes bytes of a file as a stranger could.
func patch(t *testing.T, path string, off int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt(b, off)
	require.NoError(t, err)
}

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func named(t *testing.T, f func(t *testing.T, b Backend)) {
	for _, b := range []Backend{POSIX, SysV} {
		t.Run(b.String(), func(t *testing.T) { f(t, b) })
	}
}
