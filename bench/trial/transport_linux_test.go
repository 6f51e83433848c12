package trial

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// packetTransport is a contestant for tests: a socketpair that keeps the borders of messages, with a fault that its name says.
type packetTransport struct{ fault string }

func findTest(name string) (Transport, bool) {
	fault, ok := strings.CutPrefix(name, "test-")
	switch fault {
	case "single":
		return singleTransport{}, true
	case "channels":
		return channelTransport{packetTransport{}}, true
	}
	return packetTransport{fault}, ok
}

func (p packetTransport) Create(j Job, channels int) (Handle, error) {
	switch p.fault {
	case "cannot":
		return nil, fmt.Errorf("outer: %w", Cannot{"no such library"})
	case "create":
		return nil, errors.New("creation went wrong")
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	h := &packetHandle{fault: p.fault, mine: os.NewFile(uintptr(fds[0]), "mine"), theirs: os.NewFile(uintptr(fds[1]), "theirs")}
	h.text = filepath.Join(os.TempDir(), ObjectName())
	if err := os.WriteFile(h.text, nil, 0o600); err != nil {
		return nil, err
	}
	h.creator = true
	if channels != j.channels() {
		return nil, fmt.Errorf("%d channels", channels)
	}
	return h, nil
}

func (p packetTransport) Open(_ Job, text string, files []*os.File) (Handle, error) {
	switch p.fault {
	case "open":
		return nil, errors.New("opening went wrong")
	case "cannot-open":
		return nil, Cannot{"the other side cannot"}
	case "open-hangs":
		time.Sleep(time.Hour)
	case "killed":
		return nil, unix.Kill(os.Getpid(), unix.SIGKILL)
	case "panics":
		panic("a bug")
	case "leaves":
		os.Exit(0)
	}
	if _, err := os.Stat(text); err != nil {
		return nil, err
	}
	if len(files) != 1 {
		return nil, fmt.Errorf("%d files", len(files))
	}
	return &packetHandle{fault: p.fault, mine: files[0], text: text}, nil
}

type packetHandle struct {
	fault        string
	text         string
	creator      bool
	mine, theirs *os.File
}

func (h *packetHandle) Files() []*os.File { return []*os.File{h.theirs} }
func (h *packetHandle) Text() string      { return h.text }

func (h *packetHandle) Receiver(int) (Receiver, error) {
	return &packetEnd{h: h, fd: int(h.mine.Fd())}, nil
}

func (h *packetHandle) Sender(int) (Sender, error) {
	return &packetEnd{h: h, fd: int(h.mine.Fd())}, nil
}

func (h *packetHandle) Remove(ending bool) error {
	if !h.creator || !ending && h.fault == "keeps-name" {
		return nil
	}
	if err := os.Remove(h.text); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (h *packetHandle) Close() error { return errors.Join(h.Remove(true), h.mine.Close()) }

// packetEnd commits the fault at message number 5, if it goes from the sending process to the receiving one.
type packetEnd struct {
	h    *packetHandle
	fd   int
	sent int
	kept []byte
	room []byte
}

func (e *packetEnd) Send(msg []byte) error {
	n := e.sent
	e.sent++
	if e.h.creator {
		return e.write(msg)
	}
	b := append([]byte(nil), msg...)
	if e.h.fault == "stale" { // the room of an earlier message, of which all but the first word stays
		if e.room == nil {
			e.room = b
		}
		copy(e.room, msg[:8])
		b = e.room
	}
	if e.kept != nil { // two messages change places
		defer func() { e.kept = nil }()
		return errors.Join(e.write(b), e.write(e.kept))
	}
	if n == 5 {
		switch e.h.fault {
		case "send":
			return errors.New("sending went wrong")
		case "cannot-send":
			return Cannot{"messages are too large"}
		case "corrupts":
			b[64] ^= 1
		case "corrupts-end":
			b[len(b)-1] ^= 1
		case "corrupts-number":
			binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+1)
		case "reorders":
			e.kept = b
			return nil
		case "loses":
			return nil
		case "repeats":
			return errors.Join(e.write(b), e.write(b))
		case "truncates":
			b = b[:len(b)-1]
		case "lengthens":
			b = append(b, 0)
		}
	}
	if n == 19 && e.h.fault == "loses-last" {
		return nil
	}
	return e.write(b)
}

func (e *packetEnd) write(b []byte) error {
	_, err := unix.Write(e.fd, b)
	return err
}

func (e *packetEnd) Receive(fn func(msg []byte) error, _ int) error {
	b := make([]byte, 4096)
	for {
		n, err := unix.Read(e.fd, b)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		return fn(b[:n])
	}
}

func (e *packetEnd) Close() error {
	if e.h.fault == "close" && !e.h.creator {
		return errors.New("closing went wrong")
	}
	return nil
}

// singleTransport is one for one process.
type singleTransport struct{}

func (singleTransport) Single() {}

func (singleTransport) Create(_ Job, channels int) (Handle, error) {
	h := make(singleHandle, channels)
	for i := range h {
		h[i] = make(singleEnd)
	}
	return h, nil
}

func (singleTransport) Open(Job, string, []*os.File) (Handle, error) {
	return nil, errors.New("not called")
}

type singleHandle []singleEnd

func (singleHandle) Files() []*os.File                  { return nil }
func (singleHandle) Text() string                       { return "" }
func (h singleHandle) Receiver(i int) (Receiver, error) { return h[i], nil }
func (h singleHandle) Sender(i int) (Sender, error)     { return h[i], nil }
func (singleHandle) Close() error                       { return nil }

type singleEnd chan []byte

func (e singleEnd) Send(msg []byte) error {
	e <- append([]byte(nil), msg...)
	return nil
}

func (e singleEnd) Receive(fn func([]byte) error, _ int) error { return fn(<-e) }
func (singleEnd) Close() error                                 { return nil }

// channelTransport has one mode only.
type channelTransport struct{ packetTransport }

func (channelTransport) Modes() []string { return []string{Channels} }
