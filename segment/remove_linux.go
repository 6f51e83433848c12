package segment

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Remove marks the segment as removed and takes its name away. Who has it open keeps the memory; nobody attaches any more. The
// error matches [protocol.ErrBusy], and names the holders, if anybody holds a lease; with force it is removed all the same. It
// matches what [Open] would say if the name leads to something that is no sound segment: force removes that, too, and so the
// remains of a SysV segment of which one half is lost. It does not map a file, so whose it is does not matter.
func Remove(b Backend, name string, o Options, force bool) error {
	err := protocol.ValidateName(name)
	if err == nil {
		switch b {
		case POSIX:
			err = removePosix(name, o, force)
		case SysV:
			err = removeSysV(name, o, force)
		case Memfd:
			err = fmt.Errorf("a memfd has no name; it goes when the last process closes it: %w", errors.ErrUnsupported)
		default:
			return unknownBackend(b)
		}
	}
	if err != nil {
		return fmt.Errorf("remove %v segment %q: %w", b, name, err)
	}
	return nil
}

const adviseForce = "remove it all the same with --force"

func removePosix(name string, o Options, force bool) error {
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	defer dir.close()
	entry := posixEntry(name)
	f, st, err := dir.open(entry, unix.O_RDWR)
	if err != nil {
		if force && errors.Is(err, protocol.ErrNotSegment) {
			return dir.unlinkAnything(entry)
		}
		if errors.Is(err, protocol.ErrNotSegment) {
			err = fmt.Errorf("%w; %s", err, adviseForce)
		}
		return err
	}
	defer f.Close()
	fd := int(f.Fd())
	m, err := readImage(preader(fd), uint64(st.Size))
	if err == nil && m.err != nil {
		err = fmt.Errorf("%s: %w; %s", dir.join(entry), m.err, adviseForce)
	}
	if err != nil {
		if !force {
			return err
		}
		m = &image{}
	}
	defer ofd.Lock(fd, unix.F_UNLCK, 0, 0)
	if err := excludeAll(fd, m, fileEntries(fd, m), force); err != nil {
		return err
	}
	return markThen(fileState{fd, m}, func() error { return dir.unlink(entry, st) })
}

// unlinkAnything removes a name that leads to no file that can be opened: a symbolic link (not what it leads to), a fifo.
func (d *directory) unlinkAnything(entry string) error {
	if err := unix.Unlinkat(d.fd(), entry, 0); err != nil {
		return fmt.Errorf("remove %s: %w", d.join(entry), err)
	}
	return nil
}

// excludeAll locks out whoever would attach, and reports who is attached. The locks are taken on fd's description and last
// until the caller drops them. With force, nobody is an obstacle.
func excludeAll(fd int, m *image, entry func(uint32) entryFields, force bool) error {
	ok, err := ofd.LockWithin(fd, unix.F_WRLCK, protocol.AttachByte, patience)
	if err != nil || force {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: a process is attaching and does not finish; is it stopped? %s", protocol.ErrBusy, adviseForce)
	}
	count := uint32(protocol.MaxParticipants)
	if m.header != nil {
		count = m.header.ParticipantCount
	}
	holders, err := findHolders(fd, count, nil)
	if err != nil {
		return err
	}
	if len(holders) > 0 {
		return fmt.Errorf("%w: %s; %s", protocol.ErrBusy, describeAll(holders, entry), adviseForce)
	}
	return nil
}

// findHolders lists the participants whose lease is held, but for those in except.
func findHolders(fd int, count uint32, except map[uint32]bool) ([]uint32, error) {
	if count == 0 {
		return nil, nil
	}
	// One question usually answers for all.
	any, err := ofd.Locked(fd, protocol.LeaseByte(0), int64(count))
	if !any || err != nil {
		return nil, err
	}
	var holders []uint32
	for i := range count {
		held, err := ofd.Locked(fd, protocol.LeaseByte(i), 1)
		if err != nil {
			return nil, err
		}
		if held && !except[i] {
			holders = append(holders, i)
		}
	}
	return holders, nil
}

func fileEntries(fd int, m *image) func(uint32) entryFields {
	return func(i uint32) entryFields {
		var b [protocol.ParticipantEntrySize]byte
		if m.header == nil || preader(fd)(b[:], int64(m.header.ParticipantOffset(i))) != nil {
			return entryFields{}
		}
		return parseParticipant(b[:])
	}
}

// stateWord is the state of a segment that is going to be removed.
type stateWord interface {
	swap(from, to uint32) (bool, error)
}

// markThen marks the segment as removed, and then takes the name away. In this order nobody attaches to a nameless segment; a
// death in between leaves a name that the next creator clears. If the name cannot be taken away, the mark goes again.
func markThen(w stateWord, unlink func() error) error {
	marked, err := w.swap(protocol.StateReady, protocol.StateRemoved)
	if err != nil {
		return err
	}
	if err = unlink(); err != nil && marked {
		_, undo := w.swap(protocol.StateRemoved, protocol.StateReady)
		err = errors.Join(err, undo)
	}
	return err
}

// fileState changes the state of a file that is not mapped, so that its owner cannot hurt us by truncating it. The four bytes
// differ in one only, so they cannot be seen half written.
type fileState struct {
	fd int
	m  *image
}

func (f fileState) swap(from, to uint32) (bool, error) {
	if f.m.header == nil || f.m.state != from {
		return false, nil
	}
	f.m.state = to
	_, err := retry(func() (int, error) { return unix.Pwrite(f.fd, []byte{byte(to), 0, 0, 0}, protocol.OffState) })
	if err != nil {
		return false, fmt.Errorf("write the state: %w", err)
	}
	return true, nil
}

type memState []byte

func (mem memState) swap(from, to uint32) (bool, error) {
	return swapState(mem, from, to), nil
}
