package contest

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// pairs are socketpairs of a type. One pair leads both ways.
type pairs struct{ kind int }

func (s pairs) Create(j trial.Job, _ int) (trial.Handle, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, s.kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	enlargeSocket(fds[0], j.Capacity)
	enlargeSocket(fds[1], j.Capacity)
	h := s.handle(j, file(fds[0], "socket"))
	h.theirs = []*os.File{file(fds[1], "socket of the sending process")}
	return h, nil
}

func (s pairs) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("got %d files, want 1", len(files))
	}
	return s.handle(j, files[0]), nil
}

func (s pairs) handle(j trial.Job, f *os.File) *descriptors {
	h := &descriptors{job: j, kind: packets}
	if s.kind == unix.SOCK_STREAM {
		h.kind = streams
	}
	h.in, h.out = [2]*os.File{f, f}, [2]*os.File{f, f}
	return h
}

// enlargeSocket gives a socket as much of capacity as is allowed. What the kernel does not grant is what a user would not get.
func enlargeSocket(fd, capacity int) {
	for _, option := range [][2]int{{unix.SO_SNDBUFFORCE, unix.SO_SNDBUF}, {unix.SO_RCVBUFFORCE, unix.SO_RCVBUF}} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, option[0], capacity) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option[1], capacity)
		}
	}
}

// tcp is one connection over the loopback.
type tcp struct{}

var loopback = [4]byte{127, 0, 0, 1}

func (tcp) Create(j trial.Job, _ int) (trial.Handle, error) {
	fd, err := tcpSocket(j)
	if err != nil {
		return nil, err
	}
	listener := file(fd, "tcp, listening")
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback})
	if err == nil {
		err = unix.Listen(fd, 1)
	}
	var address unix.Sockaddr
	if err == nil {
		address, err = unix.Getsockname(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on the loopback: %w", err), listener.Close())
	}
	h := &descriptors{job: j, kind: streams, text: strconv.Itoa(address.(*unix.SockaddrInet4).Port)}
	h.prepare = func(h *descriptors, _ int, _ bool) error {
		if h.in[0] != nil {
			return nil
		}
		return errors.Join(h.accept(fd), listener.Close())
	}
	h.remove = listenerGone(listener)
	return h, nil
}

// listenerGone closes the listening socket if nobody has come.
func listenerGone(listener *os.File) func() error {
	return func() error {
		if err := listener.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			return err
		}
		return nil
	}
}

func (h *descriptors) accept(listener int) error {
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		f := file(fd, "tcp")
		h.in, h.out = [2]*os.File{f, f}, [2]*os.File{f, f}
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
}

func (tcp) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("port: %w", err)
	}
	fd, err := tcpSocket(j)
	if err != nil {
		return nil, err
	}
	f := file(fd, "tcp")
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: loopback, Port: port}); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to port %d of the loopback: %w", port, err), f.Close())
	}
	return &descriptors{job: j, kind: streams, in: [2]*os.File{f, f}, out: [2]*os.File{f, f}}, nil
}

// tcpSocket has its buffers before it is connected, since the window depends on them.
func tcpSocket(j trial.Job) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("make a socket: %w", err)
	}
	enlargeSocket(fd, j.Capacity)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return 0, errors.Join(fmt.Errorf("set TCP_NODELAY: %w", err), unix.Close(fd))
	}
	return fd, nil
}
