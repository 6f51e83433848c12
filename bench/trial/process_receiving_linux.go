package trial

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// receiving is the process that was started: it receives, measures and cleans up.
type receiving struct {
	side
	single bool
	socket int
	child  *exec.Cmd
	over   atomic.Bool   // from here on, the other side may end
	gone   chan struct{} // closed when the other side has ended
	err    error         // how; read it when gone is closed

	ending sync.Mutex // whoever ends the process early
	mu     sync.Mutex
	made   Handle // what to clean up; guarded by mu
}

func runReceiving(j Job, t Transport) (findings, error) {
	if !slices.Contains(Modes(t), j.Mode) {
		return nil, Cannot{fmt.Sprintf("%s has no mode %s", j.Name, j.Mode)}
	}
	runtime.LockOSThread() // the other process dies when the thread ends that started it
	r := &receiving{side: side{job: j, peer: os.Getpid()}, gone: make(chan struct{})}
	_, r.single = t.(Single)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	go func() {
		s := <-signals
		r.endEarly(fmt.Errorf("ended by signal: %v", s))
	}()
	found, err := r.run(t)
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		r.blame()
		r.endEarly(err)
	}
	return found, nil
}

func (r *receiving) run(t Transport) (findings, error) {
	start := r.startProcess
	if r.single {
		start = func() error { return r.startGoroutine(t) }
	}
	if err := start(); err != nil {
		return nil, fmt.Errorf("start the sending side: %w", err)
	}
	if !r.job.Unpinned {
		if err := (place{number: 0, thread: r.single}).pin(); err != nil {
			return nil, err
		}
	}
	if r.job.Mode == First {
		if err := r.page.spinUntil(wordReady, "wait for the sending side to be ready"); err != nil {
			return nil, err
		}
	}
	begin := time.Now()
	if err := r.create(t); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	created := time.Since(begin)
	if !r.single {
		if err := offer(r.socket, r.handle); err != nil {
			return nil, err
		}
	}
	r.page.word(wordOffered).Store(1)
	if err := r.openReceiving(); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if r.job.Mode == First {
		return r.first(begin)
	}
	found, err := r.receive()
	if r.job.Mode == Channels {
		found.add("create_ns", "%d", created.Nanoseconds())
	}
	return found, err
}

// create holds the lock all the while, so that whoever ends the process early knows what to clean up.
func (r *receiving) create(t Transport) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle, err = t.Create(r.job, r.job.channels())
	if err == nil {
		r.made = r.handle
	}
	return err
}

func (r *receiving) first(begin time.Time) (findings, error) {
	if err := receiveFunc(r.rx)(NewChecker(r.job.Size), 1); err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	var f findings
	f.add("first_ns", "%d", elapsed.Nanoseconds())
	return f, nil
}

// startProcess starts the sending process.
func (r *receiving) startProcess() error {
	memfd, err := unix.MemfdCreate("shmpipe-bench-gate", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("make the shared page: %w", err)
	}
	board := os.NewFile(uintptr(memfd), "shared page")
	defer board.Close()
	if err := board.Truncate(pageBytes); err != nil {
		return err
	}
	if r.page, err = mapPage(memfd); err != nil {
		return err
	}
	sockets, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a pair of sockets: %w", err)
	}
	r.socket = sockets[0]
	theirs := os.NewFile(uintptr(sockets[1]), "socket of the sending process")
	defer theirs.Close()

	r.child = exec.Command("/proc/self/exe", os.Args[1:]...)
	r.child.Args[0] = os.Args[0] // some programs are several, by their names
	r.child.Env = append(os.Environ(), parentVariable+"="+strconv.Itoa(os.Getpid()))
	r.child.ExtraFiles = []*os.File{board, theirs}
	r.child.Stderr = os.Stderr
	r.child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.child.Start(); err != nil {
		return err
	}
	go func() { r.ended(r.child.Wait()) }()
	return nil
}

// startGoroutine starts the sending side of a contestant for one process. The receiving side counts the CPU time of both.
func (r *receiving) startGoroutine(t Transport) error {
	mem, err := unix.Mmap(-1, 0, pageBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	r.page = page{mem}
	go func() {
		runtime.LockOSThread()
		r.ended(r.sendInside(t))
	}()
	return nil
}

func (r *receiving) sendInside(t Transport) error {
	if !r.job.Unpinned {
		if err := (place{number: 1, thread: true}).pin(); err != nil {
			return err
		}
	}
	_, crowded := t.(Crowded)
	s := &side{job: r.job, page: r.page, peer: r.peer, inside: true, crowded: crowded}
	if r.job.Mode == First {
		r.page.word(wordReady).Store(1)
	}
	if err := r.page.spinUntil(wordOffered, "wait for the receiving side to create the object"); err != nil {
		return err
	}
	r.mu.Lock()
	s.handle = r.made
	r.mu.Unlock()
	return s.deliver()
}

// ended is called when the sending side has ended. If that is too early, so does this process, whatever it is waiting for.
func (r *receiving) ended(err error) {
	r.err = err
	close(r.gone)
	if r.over.Load() {
		return
	}
	r.endEarly(r.childError())
}

// childError is how the sending side has ended, which is a failure if it is called before the end.
func (r *receiving) childError() error {
	var exit *exec.ExitError
	switch {
	case r.err == nil:
		return errors.New("the sending side ended early")
	case !errors.As(r.err, &exit):
		return r.err
	case exit.Exited():
		return saidAlready(exit.ExitCode())
	}
	return fmt.Errorf("the sending process ended: %w", r.err)
}

// saidAlready is the status of a process that has said itself what is wrong, as the last thing on standard error.
type saidAlready int

func (s saidAlready) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// blame gives the sending side a moment to end, after something went wrong on this one: its end is often the cause and says more.
func (r *receiving) blame() {
	if r.child == nil && !r.single || r.over.Load() {
		return
	}
	select {
	case <-r.gone: // ended ends the process
		time.Sleep(time.Second)
	case <-time.After(200 * time.Millisecond):
	}
}

// endEarly ends the process, and leaves nothing behind.
func (r *receiving) endEarly(err error) {
	r.ending.Lock()
	r.over.Store(true)
	if r.child != nil && r.child.Process != nil {
		_ = r.child.Process.Kill() // it may be gone already
		<-r.gone                   // the objects are still its
	}
	for tries := 0; !r.mu.TryLock() && tries < 500; tries++ { // five seconds for a creation that is under way
		time.Sleep(10 * time.Millisecond)
	}
	if m, ok := r.made.(Remover); ok {
		if removeErr := m.Remove(true); removeErr != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", r.job.Name, removeErr)
		}
	}
	var said saidAlready
	if errors.As(err, &said) {
		os.Exit(int(said))
	}
	os.Exit(complain(r.job.Name, err))
}

// finish closes everything and waits for the other side's end.
func (r *receiving) finish() error {
	r.over.Store(true)
	r.page.word(wordOver).Store(1)
	err := r.close()
	select {
	case <-r.gone:
	case <-time.After(grace):
		return errors.Join(err, fmt.Errorf("the sending side does not end within %v", grace))
	}
	if r.err != nil {
		return errors.Join(err, r.childError())
	}
	return errors.Join(err, r.handle.Close())
}
