//go:build linux

package shmpipe_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

var named = []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV}

func TestOpenOrCreate_ByManyAtOnceGivesThemOneSegment(t *testing.T) {
	for _, b := range named {
		t.Run(b.String(), func(t *testing.T) {
			opts := &shmpipe.Options{Backend: b}
			for range 5 {
				name := shmtest.TempName(t)
				children := make([]*shmtest.Process, 4)
				for i := range children {
					children[i] = shmtest.Child(t, "open-or-create", b.String(), name)
					children[i].Expect("ready")
				}
				var mu sync.Mutex
				var uuids []string
				var wg sync.WaitGroup
				for _, child := range children {
					child.Tell("go")
				}
				for range 8 {
					wg.Go(func() {
						p, err := shmpipe.OpenOrCreate(name, shmpipe.Geometry{Capacity: 4096}, opts)
						mu.Lock()
						defer mu.Unlock()
						if err != nil {
							uuids = append(uuids, err.Error())
							return
						}
						info, err := p.Info()
						uuids = append(uuids, info.UUID)
						if err = errors.Join(err, p.Close()); err != nil {
							uuids = append(uuids, err.Error())
						}
					})
				}
				wg.Wait()
				for _, child := range children {
					uuids = append(uuids, child.Line())
					child.Tell("end")
					child.Wait()
				}
				require.Len(t, uuids, 12)
				require.Len(t, slices.Compact(uuids), 1)
				require.NoError(t, shmpipe.Remove(name, false, opts))
			}
		})
	}
}

func roleOpenOrCreate(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	shmtest.Say("ready")
	shmtest.Hear()
	p, err := shmpipe.OpenOrCreate(args[1], shmpipe.Geometry{Capacity: 4096}, &shmpipe.Options{Backend: b})
	if err != nil {
		return err
	}
	info, err := p.Info()
	shmtest.Say("%s", info.UUID)
	shmtest.Hear()
	return errors.Join(err, p.Close())
}

// A key of another program is in the way: Open finds nothing, and Create says that the name is taken.
func TestOpenOrCreate_EndsWhenAForeignSysVSegmentHasTheKey(t *testing.T) {
	opts := shmpipe.Options{Backend: shmpipe.SysV}
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
	name := name(t, pipe)
	key, err := strconv.ParseUint(strings.TrimPrefix(pathOf(t, pipe), "sysv:"), 0, 32)
	require.NoError(t, err)
	require.NoError(t, pipe.Close())
	require.NoError(t, shmpipe.Remove(name, false, &opts))
	id, err := unix.SysvShmGet(int(key), 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o600)
	require.NoError(t, err)
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	shmtest.Within(t, shmtest.Patience, "OpenOrCreate", func() {
		_, err = shmpipe.OpenOrCreate(name, shmpipe.Geometry{Capacity: 4096}, &opts)
	})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, name)
}

func TestOpenOrCreate_KeepsTheGeometryThatIsThere(t *testing.T) {
	for _, b := range named {
		opts := shmpipe.Options{Backend: b}
		p := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
		again, err := shmpipe.OpenOrCreate(name(t, p), shmpipe.Geometry{Capacity: 1 << 20, Rings: 7}, &opts)
		require.NoError(t, err)
		info, err := again.Info()
		require.NoError(t, err)
		require.Equal(t, 4096, info.Capacity)
		require.Equal(t, 1, info.Rings)
		require.NoError(t, again.Close())
	}
}

func TestTransient_GoesWithTheLastOneOutOnceDrained(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		for _, producerFirst := range []bool{true, false} {
			for _, undrained := range []bool{true, false} {
				opts := shmpipe.Options{Backend: b, Transient: true, Dir: shmtest.Dir(t)}
				pipe := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
				p, c := producer(t, pipe), consumer(t, pipe)
				send(t, p, "a", "b")
				receive(t, c, "a")
				if !undrained {
					receive(t, c, "b")
				}
				if producerFirst {
					require.NoError(t, p.Close())
					require.NoError(t, c.Close())
				} else {
					require.NoError(t, c.Close())
					require.NoError(t, p.Close())
				}
				if b == shmpipe.Memfd {
					continue // no name: it goes with its mappings
				}
				if !undrained {
					require.False(t, listed(t, &opts, name(t, pipe)))
					_, err := pipe.Producer()
					require.ErrorIs(t, err, shmpipe.ErrRemoved)
					continue
				}
				require.True(t, listed(t, &opts, name(t, pipe)), "b is not received yet")
				c = consumer(t, pipe)
				receive(t, c, "b")
				require.NoError(t, c.Close())
				require.False(t, listed(t, &opts, name(t, pipe)))
			}
		}
	})
}

// listed tells whether a segment is there. SysV segments of other tests may be in the list too: they have no directory.
func listed(t *testing.T, opts *shmpipe.Options, name string) bool {
	t.Helper()
	list, err := shmpipe.List(opts)
	require.NoError(t, err)
	return slices.ContainsFunc(list, func(e shmpipe.Entry) bool { return e.Name == name })
}

func TestRemove_RefusesWhileSomebodyIsAttachedUnlessForced(t *testing.T) {
	for _, b := range named {
		opts := shmpipe.Options{Backend: b}
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
		name := name(t, pipe)
		p, c := producer(t, pipe), consumer(t, pipe)
		err := shmpipe.Remove(name, false, &opts)
		require.ErrorIs(t, err, shmpipe.ErrBusy)
		require.ErrorContains(t, err, strconv.Itoa(os.Getpid()))
		require.NoError(t, shmpipe.Remove(name, true, &opts))
		send(t, p, "goes on")
		receive(t, c, "goes on")
		require.NoError(t, c.Close())
		_, err = pipe.Consumer()
		require.ErrorIs(t, err, shmpipe.ErrRemoved)
		_, err = shmpipe.Open(name, &opts)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorIs(t, shmpipe.Remove(name, false, &opts), fs.ErrNotExist)
	}
	require.ErrorIs(t, shmpipe.Remove(shmtest.TempName(t), true, &shmpipe.Options{Backend: shmpipe.Memfd}), errors.ErrUnsupported)
}

func TestInfo_DescribesSegmentAndParticipants(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		before := time.Now().Add(-time.Minute)
		pipe := create(t, shmpipe.Geometry{Capacity: 8192, MaxMessage: 100, Rings: 2}, shmpipe.Options{Backend: b, Transient: true, Prefault: true})
		p, err := pipe.ProducerOf(1)
		require.NoError(t, err)
		info, err := pipe.Info()
		require.NoError(t, err)
		require.Equal(t, b, info.Backend)
		require.True(t, strings.HasPrefix(info.Name, shmtest.Prefix))
		require.NotEmpty(t, info.Path)
		require.Len(t, info.UUID, 32)
		require.Equal(t, "1.0", info.Version)
		require.Equal(t, 8192, info.Capacity)
		require.Equal(t, 100, info.MaxMessage)
		require.Equal(t, 2, info.Rings)
		require.True(t, info.Transient)
		require.GreaterOrEqual(t, info.SegmentSize, int64(2*8192))
		require.True(t, info.Created.After(before) && info.Created.Before(before.Add(time.Hour)))
		require.NotEmpty(t, info.Obtained.Prefaulted)
		require.Empty(t, info.Obtained.Locked)
		require.Contains(t, info.Explain, b.String())

		require.Len(t, info.Participants, 4)
		for i, want := range []string{"producer", "consumer", "producer", "consumer"} {
			require.Equal(t, want, info.Participants[i].Role)
			require.Equal(t, i/2, info.Participants[i].Ring)
			if i != 2 {
				require.Equal(t, "never", info.Participants[i].State)
				require.Contains(t, info.Participants[i].String(), "nobody yet")
			}
		}
		me := info.Participants[2]
		require.Equal(t, "alive", me.State)
		require.Equal(t, os.Getpid(), me.PID)
		require.Equal(t, uint64(1), me.Epoch)
		require.True(t, me.Attached.After(before))
		comm, err := os.ReadFile("/proc/self/comm")
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(comm)), me.Command)
		require.NoError(t, p.Close())
		info, err = pipe.Info()
		if b == shmpipe.Memfd || err == nil {
			require.Equal(t, "closed", info.Participants[2].State)
		}
		require.NoError(t, pipe.Close())
		_, err = pipe.Info()
		require.Equal(t, shmpipe.ErrClosed, err)
		_, err = pipe.Stats()
		require.Equal(t, shmpipe.ErrClosed, err)
	})
}

func TestStats_CountWhatHappened(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "12345678", "1")
	s := stats(t, pipe)
	require.Equal(t, shmpipe.Stats{Sent: 2, SentBytes: 9, Backlog: 32, Capacity: 4096}, s)
	receive(t, c, "12345678")
	m := next(t, c, "1")
	s = stats(t, pipe)
	require.Equal(t, uint64(1), s.Received)
	require.Equal(t, uint64(8), s.ReceivedBytes)
	require.Equal(t, uint64(16), s.Backlog)
	require.Contains(t, s.String(), "sent 2 (9 B), received 1 (8 B)")
	m.Release()
	require.Zero(t, stats(t, pipe).Backlog)
}

func TestList_FindsWhatIsThere(t *testing.T) {
	for _, b := range named {
		opts := shmpipe.Options{Backend: b, Dir: shmtest.Dir(t)}
		p := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
		q := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
		found, err := shmpipe.List(&opts)
		require.NoError(t, err)
		var names []string
		for _, e := range found {
			if e.Name == name(t, p) || e.Name == name(t, q) {
				require.NoError(t, e.Err)
				require.Equal(t, b, e.Backend)
				names = append(names, e.Name)
			}
		}
		require.Len(t, names, 2)
		require.True(t, slices.IsSorted(names))
	}
}

func TestList_FindsAMemfdByWhoHasItOpen(t *testing.T) {
	opts := shmpipe.Options{Backend: shmpipe.Memfd}
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
	p := producer(t, pipe)
	send(t, p, "a")
	label := name(t, pipe)
	listed := func() (at []shmpipe.Entry) {
		found, err := shmpipe.List(&opts)
		require.NoError(t, err)
		for _, e := range found {
			if e.Name == label {
				at = append(at, e)
			}
		}
		return at
	}
	at := listed()
	require.Len(t, at, 1, "it has several descriptors, and is listed once")
	require.NoError(t, at[0].Err)
	require.Equal(t, 4096, at[0].Capacity)
	f, err := os.Open(at[0].Path)
	require.NoError(t, err)
	defer f.Close()
	look, err := shmpipe.OpenFile(f, &shmpipe.Options{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, uint64(1), stats(t, look).Sent)
	require.NoError(t, errors.Join(look.Close(), f.Close(), p.Close(), pipe.Close()))
	require.Empty(t, listed())
}

func TestReadOnly_LooksAndTakesNoRole(t *testing.T) {
	for _, b := range named {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		p := producer(t, pipe)
		send(t, p, "a")
		look, err := shmpipe.Open(name(t, pipe), &shmpipe.Options{Backend: b, ReadOnly: true})
		require.NoError(t, err)
		require.Equal(t, uint64(1), stats(t, look).Sent)
		info, err := look.Info()
		require.NoError(t, err)
		require.Equal(t, "alive", info.Participants[0].State)
		_, err = look.Consumer()
		require.ErrorIs(t, err, fs.ErrPermission)
		require.NoError(t, look.Close())
		require.NoError(t, p.Close())
	}
}
