package futex

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test binary starts itself as a second process: roleVariable says what it is to do, fileVariable which file to map.
const (
	roleVariable = "SHMPIPE_TEST_FUTEX_ROLE"
	fileVariable = "SHMPIPE_TEST_FUTEX_FILE"
	seedVariable = "SHMPIPE_TEST_FUTEX_SEED"
)

// patience is when a test gives up on something that must happen.
const patience = 60 * time.Second

var roles = map[string]func(*board) error{
	"pong":            func(b *board) error { return pong(b, rounds, childRand()) },
	"waiter":          waitOnce,
	"sleeper":         sleepForEver,
	"sandbox-first":   func(b *board) error { return sandboxed(b, false) },
	"sandbox-midway":  func(b *board) error { return sandboxed(b, true) },
	"sleep-read-only": waitReadOnly,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	go func() { // the parent holds the other end: no child outlives it
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(3)
	}()
	b, _, err := mapBoard(os.Getenv(fileVariable), unix.PROT_READ|unix.PROT_WRITE)
	if err == nil {
		err = roles[role](b)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// board is what the processes of a test share. Each word that is written often is on a line of its own.
type board struct {
	ping, pong           uint32
	_                    [120]byte
	pingWaiting, pingSeq uint32
	_                    [120]byte
	pongWaiting, pongSeq uint32
	_                    [120]byte
	word, done           uint32
}

func (b *board) pingGate() Gate { return NewGate(&b.pingWaiting, &b.pingSeq) }
func (b *board) pongGate() Gate { return NewGate(&b.pongWaiting, &b.pongSeq) }

func mapBoard(path string, protection int) (*board, []byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, int(unsafe.Sizeof(board{})), protection, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return (*board)(unsafe.Pointer(unsafe.SliceData(mem))), mem, nil
}

// newBoard makes a file in /dev/shm and maps it.
func newBoard(t *testing.T) (*board, string) {
	f, err := os.CreateTemp("/dev/shm", "shmpipe-test-futex-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.Remove(f.Name())) })
	require.NoError(t, f.Truncate(int64(unsafe.Sizeof(board{}))))
	require.NoError(t, f.Close())
	b, mem, err := mapBoard(f.Name(), unix.PROT_READ|unix.PROT_WRITE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(mem)) })
	return b, f.Name()
}

// child is a second process, killed when the test ends.
type child struct {
	cmd    *exec.Cmd
	exited chan error
}

func startChild(t *testing.T, role, path string, seed uint64) *child {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, fileVariable+"="+path, fmt.Sprintf("%s=%d", seedVariable, seed))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{cmd: cmd, exited: make(chan error, 1)}
	ended := make(chan struct{})
	go func() {
		c.exited <- cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = stdin.Close()
	})
	return c
}

func (c *child) requireSuccess(t *testing.T) {
	select {
	case err := <-c.exited:
		require.NoError(t, err)
	case <-time.After(patience):
		t.Fatalf("child %d did not end within %v", c.cmd.Process.Pid, patience)
	}
}

// seededRand prints its seed when the test fails or is verbose.
func seededRand(t *testing.T) (*rand.Rand, uint64) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return newRand(seed), seed
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

func childRand() *rand.Rand {
	var seed uint64
	_, _ = fmt.Sscan(os.Getenv(seedVariable), &seed)
	return newRand(seed + 1)
}

// eventually polls, so that no test depends on speed.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !condition(); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(limit) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// requireWithin fails if the goroutine that will send to done has not done so in time.
func requireWithin(t *testing.T, done <-chan error, what string) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: still asleep after %v", what, patience)
		return nil
	}
}

func in(d time.Duration) int64 { return Now() + int64(d) }

func load(word *uint32) uint32         { return atomic.LoadUint32(word) }
func store(word *uint32, value uint32) { atomic.StoreUint32(word, value) }

// withoutWaitv makes the package believe that the kernel lacks futex_waitv.
func withoutWaitv(t *testing.T) {
	before := waitvState.Swap(waitvAbsent)
	t.Cleanup(func() { waitvState.Store(before) })
}

// bothWays runs a test with futex_waitv, if the kernel has it, and without.
func bothWays(t *testing.T, test func(t *testing.T)) {
	t.Run("waitv", func(t *testing.T) {
		if !HasWaitv() {
			t.Skip("this kernel has no futex_waitv")
		}
		test(t)
	})
	t.Run("slices", func(t *testing.T) {
		withoutWaitv(t)
		test(t)
	})
}
