package trial

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// What a Handle says goes through a socket of packets: one with the number of files and the text, then the files, some at a time.
const (
	textMost = 64 << 10
	fileMost = 128 // in one packet; the kernel takes 253
)

func offer(socket int, h Handle) error {
	text, files := h.Text(), h.Files()
	if len(text) > textMost {
		return fmt.Errorf("the text for the other process has %d bytes, want at most %d", len(text), textMost)
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(files)))
	if err := send(socket, append(head, text...), nil); err != nil {
		return err
	}
	var err error
	for len(files) > 0 {
		n := min(len(files), fileMost)
		fds := make([]int, n)
		for i, f := range files[:n] {
			if fds[i], err = descriptor(f); err != nil {
				return err
			}
		}
		if err := send(socket, []byte{1}, unix.UnixRights(fds...)); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// descriptor is a file's, without a change of how it blocks.
func descriptor(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(d uintptr) { fd = int(d) })
	}
	return fd, err
}

func send(socket int, packet, rights []byte) error {
	for {
		err := unix.Sendmsg(socket, packet, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			if err != nil {
				return fmt.Errorf("pass text and files to the sending process: %w", err)
			}
			return nil
		}
	}
}

func takeOffer(socket int) (text string, files []*os.File, err error) {
	packet := make([]byte, 4+textMost)
	n, _, err := receive(socket, packet)
	if err != nil {
		return "", nil, err
	}
	if n < 4 {
		return "", nil, fmt.Errorf("text and files from the receiving process: %d bytes, want at least 4", n)
	}
	for want := binary.LittleEndian.Uint32(packet); uint32(len(files)) < want; {
		_, fds, err := receive(socket, make([]byte, 1))
		if err != nil {
			return "", nil, err
		}
		if len(fds) == 0 {
			return "", nil, fmt.Errorf("files from the receiving process: %d, want %d", len(files), want)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "from the receiving process"))
		}
	}
	return string(packet[4:n]), files, nil
}

// receive returns the length of a packet, and the descriptors in it.
func receive(socket int, packet []byte) (int, []int, error) {
	rights := make([]byte, unix.CmsgSpace(4*fileMost))
	for {
		n, r, _, _, err := unix.Recvmsg(socket, packet, rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, nil, fmt.Errorf("text and files from the receiving process: %w", err)
		}
		messages, err := unix.ParseSocketControlMessage(rights[:r])
		if err != nil || len(messages) == 0 {
			return n, nil, err
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		return n, fds, err
	}
}
