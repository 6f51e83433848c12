//go:build linux

package shmpipe_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

func TestOpen_OfAnAbsentNameSaysSoAndWhatToDo(t *testing.T) {
	for _, b := range named {
		name := shmtest.TempName(t)
		_, err := shmpipe.Open(name, &shmpipe.Options{Backend: b})
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "shmpipe create "+name)
	}
	_, err := shmpipe.Open(shmtest.TempName(t), &shmpipe.Options{Backend: shmpipe.Memfd})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = shmpipe.Open(shmtest.TempName(t), &shmpipe.Options{Dir: "/dev/shm/there is no such directory"})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// copies are the file of a segment, as somebody else might leave it in a directory of its own.
type copies struct {
	t    *testing.T
	name string
	dir  string
	file string
	good []byte
}

func newCopies(t *testing.T) *copies {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p := producer(t, pipe)
	send(t, p, "in the ring")
	good, err := os.ReadFile(pathOf(t, pipe))
	require.NoError(t, err)
	dir := shmtest.Dir(t)
	return &copies{t, name(t, pipe), dir, filepath.Join(dir, filepath.Base(pathOf(t, pipe))), good}
}

// open opens a segment of these bytes. An error names the file and says what to do, whatever is wrong with it.
func (c *copies) open(b []byte) error {
	require.NoError(c.t, os.WriteFile(c.file, b, 0o600))
	p, err := shmpipe.Open(c.name, &shmpipe.Options{Dir: c.dir})
	if err == nil {
		require.NoError(c.t, p.Close())
		return nil
	}
	require.ErrorContains(c.t, err, c.file)
	require.Regexp(c.t, "remove it with `shmpipe rm |open it with |use a newer release|create it ", err.Error())
	return err
}

func TestOpen_OfAFileThatIsNoSegmentSaysSo(t *testing.T) {
	c := newCopies(t)
	require.NoError(t, c.open(c.good))
	for what, content := range map[string]string{
		"empty":      "",
		"text":       "#!/bin/sh\necho hello\n",
		"long text":  strings.Repeat("the quick brown fox ", 1000),
		"zeros":      string(make([]byte, 100_000)),
		"magic only": string(protocol.Magic[:]),
	} {
		err := c.open([]byte(content))
		if what == "magic only" {
			require.ErrorIs(t, err, shmpipe.ErrCorrupt)
		} else {
			require.ErrorIs(t, err, shmpipe.ErrNotSegment, what)
		}
		require.ErrorContains(t, err, c.file, what)
	}
	require.NoError(t, os.Remove(c.file))
	require.NoError(t, os.Mkdir(c.file, 0o700))
	_, err := shmpipe.Open(c.name, &shmpipe.Options{Dir: c.dir})
	require.ErrorIs(t, err, shmpipe.ErrNotSegment)
	require.NoError(t, os.Remove(c.file))
	require.NoError(t, os.Symlink("/etc/hostname", c.file))
	_, err = shmpipe.Open(c.name, &shmpipe.Options{Dir: c.dir})
	require.ErrorIs(t, err, shmpipe.ErrNotSegment)
	require.ErrorContains(t, err, c.file)
	require.ErrorContains(t, err, "shmpipe rm --force "+c.name)
	require.ErrorContains(t, shmpipe.Remove(c.name, false, &shmpipe.Options{Dir: c.dir}), "--force")
	require.NoError(t, shmpipe.Remove(c.name, true, &shmpipe.Options{Dir: c.dir}))
	require.FileExists(t, "/etc/hostname", "where the link leads to stays")
	require.NoError(t, syscall.Mkfifo(c.file, 0o600))
	shmtest.Within(t, shmtest.Patience, "opening a fifo", func() { _, err = shmpipe.Open(c.name, &shmpipe.Options{Dir: c.dir}) })
	require.ErrorIs(t, err, shmpipe.ErrNotSegment)
}

func TestOpen_OfATruncatedSegmentIsAnErrorAtEveryLength(t *testing.T) {
	c := newCopies(t)
	for n := 0; n < len(c.good); n += 1 + n/50 {
		err := c.open(c.good[:n])
		require.Error(t, err, "%d bytes", n)
		require.True(t, errors.Is(err, shmpipe.ErrCorrupt) || errors.Is(err, shmpipe.ErrNotSegment), "%d bytes: %v", n, err)
		require.ErrorContains(t, err, c.file)
	}
	require.Error(t, c.open(c.good[:len(c.good)-1]))
	require.NoError(t, c.open(c.good))
}

// A file that shrinks and grows while it is opened must not end this process, whatever Open says.
func TestOpen_OfAFileThatIsTruncatedMeanwhileIsAnErrorOrWorks(t *testing.T) {
	c := newCopies(t)
	require.NoError(t, os.WriteFile(c.file, c.good, 0o600))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		f, err := os.OpenFile(c.file, os.O_RDWR, 0)
		if err != nil {
			return
		}
		defer f.Close()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				_ = f.Truncate(int64(i * 37 % protocol.HeaderSize)) // only what is read before it is mapped
				_, _ = f.WriteAt(c.good[:100], 0)
			}
		}
	})
	for range scale(20_000) {
		p, err := shmpipe.Open(c.name, &shmpipe.Options{Dir: c.dir})
		if err == nil { // it was whole at the time
			require.NoError(t, p.Close())
		}
	}
	close(stop)
	wg.Wait()
}

func TestOpen_NoticesEveryFlippedByteOfTheHeader(t *testing.T) {
	c := newCopies(t)
	end := protocol.HeaderSize + protocol.RingEntrySize
	for at := range end {
		if at >= protocol.OffState+4 && at < protocol.HeaderSize {
			continue // reserved; nothing reads it
		}
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			bad := append([]byte(nil), c.good...)
			bad[at] ^= mask
			err := c.open(bad)
			require.Error(t, err, "byte %d ^ %#x", at, mask)
			require.ErrorContains(t, err, c.file)
			known := false
			for _, want := range []error{shmpipe.ErrNotSegment, shmpipe.ErrVersion, shmpipe.ErrCorrupt, shmpipe.ErrNotReady, shmpipe.ErrRemoved} {
				known = known || errors.Is(err, want)
			}
			require.True(t, known, "byte %d ^ %#x: %v", at, mask, err)
			var corrupt *shmpipe.CorruptError
			if errors.Is(err, shmpipe.ErrCorrupt) {
				require.ErrorAs(t, err, &corrupt)
				require.NotEmpty(t, corrupt.Want)
			}
		}
	}
}

func TestOpen_OfAnotherVersionIsNotCorrupt(t *testing.T) {
	c := newCopies(t)
	newer := append([]byte(nil), c.good...)
	newer[protocol.OffVersionMajor]++
	err := c.open(newer)
	require.ErrorIs(t, err, shmpipe.ErrVersion)
	require.NotErrorIs(t, err, shmpipe.ErrCorrupt)
	swapped := append([]byte(nil), c.good...)
	copy(swapped[protocol.OffByteOrder:], []byte{1, 2, 3, 4})
	err = c.open(swapped)
	require.ErrorIs(t, err, shmpipe.ErrVersion)
	require.ErrorContains(t, err, "big-endian")
	building := append([]byte(nil), c.good...)
	building[protocol.OffState] = 0
	err = c.open(building)
	require.ErrorIs(t, err, shmpipe.ErrNotReady)
	require.ErrorContains(t, err, "shmpipe rm")
}

// tinyTmpfs mounts a filesystem of 64 KiB.
func tinyTmpfs(t *testing.T) string {
	dir := t.TempDir()
	if err := syscall.Mount("shmpipe-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a tmpfs here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestCreate_OnAFullFilesystemSaysENOSPCAndLeavesNothing(t *testing.T) {
	dir := tinyTmpfs(t)
	opts := &shmpipe.Options{Dir: dir}
	name := shmtest.TempName(t)
	_, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 1 << 20}, opts)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, name)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	pipe, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 8192}, opts)
	require.NoError(t, err, "a smaller one fits")
	require.NoError(t, os.WriteFile(dir+"/hog", make([]byte, 20<<10), 0o600))
	hog, err := os.OpenFile(dir+"/hog", os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	for err == nil {
		_, err = hog.Write(make([]byte, 1024))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, hog.Close())
	p, err := pipe.Producer()
	require.NoError(t, err)
	c, err := pipe.Consumer()
	require.NoError(t, err)
	for i := range 1000 { // all of it was allocated at the start
		send(t, p, fmt.Sprintf("%0*d", 500, i))
		receive(t, c, fmt.Sprintf("%0*d", 500, i))
	}
	require.NoError(t, errors.Join(p.Close(), c.Close(), pipe.Close()))
}

func TestOpen_WithoutPermissionSaysWhoseItIs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become nobody")
	}
	for _, b := range named {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		child := shmtest.Child(t, "open-as-nobody", b.String(), name(t, pipe))
		require.Equal(t, "permission denied", child.Line())
		text := child.Line()
		require.Contains(t, text, name(t, pipe))
		child.Tell("end")
		child.Wait()
	}
}

func roleOpenAsNobody(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err == nil {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534))
	}
	if err != nil {
		return err
	}
	_, err = shmpipe.Open(args[1], &shmpipe.Options{Backend: b})
	if errors.Is(err, fs.ErrPermission) {
		shmtest.Say("permission denied")
	}
	shmtest.Say("%v", err)
	shmtest.Hear()
	return nil
}
