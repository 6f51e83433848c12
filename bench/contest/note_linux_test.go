package contest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

func TestObjectsWithoutANameOfSomebodyKilled_AreFoundByTheirNotes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	notes := func() []string {
		found, err := filepath.Glob(filepath.Join(os.TempDir(), trial.ObjectName()+".*"))
		require.NoError(t, err)
		return found
	}
	queue, err := messageGet()
	require.NoError(t, err)
	note(noteMessages, queue)
	set, err := semaphoreGet(2)
	require.NoError(t, err)
	note(noteSemaphores, set)
	require.Len(t, notes(), 2)
	for _, path := range notes() {
		require.NoError(t, ClearNoted(filepath.Base(path)))
		require.NoError(t, ClearNoted(filepath.Base(path)), "gone already")
	}
	require.ErrorIs(t, messageRemove(queue), unix.EINVAL)
	require.ErrorIs(t, semaphoreRemove(set), unix.EINVAL)
	forget(noteMessages, queue)
	forget(noteSemaphores, set)
	require.Empty(t, notes())
	for _, other := range []string{"shmpipe-bench-12", "shmpipe-bench-12.msg", "shmpipe-bench-12.msg-", "shmpipe-bench-12.msg--1", "shmpipe-bench-12.shm-1", "x.sem-y"} {
		require.NoError(t, ClearNoted(other))
	}
}

func TestClearStaleSysV_RemovesWhatTheDeadLeft(t *testing.T) {
	const dead, living = 111, 222
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	write := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		return path
	}
	made := func(get func() (int, error)) int {
		id, err := get()
		if err == unix.ENOSYS {
			t.Skip("no System V objects here")
		}
		require.NoError(t, err)
		return id
	}
	set := func() (int, error) { return semaphoreGet(1) }
	queue, lives, semaphores := made(messageGet), made(messageGet), made(set)
	t.Cleanup(func() {
		_ = messageRemove(queue)
		_ = messageRemove(lives)
		_ = semaphoreRemove(semaphores)
	})
	stale := []string{
		write(fmt.Sprintf("shmpipe-bench-%d.msg-%d", dead, queue)), write(fmt.Sprintf("shmpipe-bench-%d.sem-%d", dead, semaphores)),
		write(fmt.Sprintf("shmpipe-bench-%d.msg-2147483647", dead)), // gone already
	}
	others := []string{
		write(fmt.Sprintf("shmpipe-bench-%d.msg-%d", living, lives)), write("shmpipe-bench-111"), write("shmpipe-bench-111.txt"),
		write("shmpipe-bench-111.msg-x"), write("shmpipe-bench-x.msg-1"), write("other-111.msg-1"),
	}
	link := filepath.Join(dir, fmt.Sprintf("shmpipe-bench-%d.msg-%d", dead, lives))
	require.NoError(t, os.Symlink(others[0], link))

	cleared, err := ClearStaleSysV(dir, func(pid int) bool { return pid == living })
	require.NoError(t, err)
	require.Equal(t, len(stale), cleared)
	for _, path := range stale {
		require.NoFileExists(t, path)
	}
	for _, path := range others {
		require.FileExists(t, path)
	}
	require.ErrorIs(t, messageRemove(queue), unix.EINVAL)
	require.ErrorIs(t, semaphoreRemove(semaphores), unix.EINVAL)
	require.NoError(t, messageRemove(lives), "that of a living process")
	_, err = ClearStaleSysV(filepath.Join(dir, "nowhere"), func(int) bool { return false })
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A contestant that is killed leaves objects, which its notes lead to.
func TestClearStaleSysV_FindsWhatAKilledContestantLeft(t *testing.T) {
	for _, name := range []string{"sysv-mq", "sysv-sem"} {
		t.Run(name, func(t *testing.T) {
			self, err := os.Executable()
			require.NoError(t, err)
			cmd := exec.Command(self, name, "idle", "0", "600000")
			dir := t.TempDir()
			cmd.Env = append(os.Environ(), contestantVariable+"=1", "WAIT=block", "TMPDIR="+dir)
			require.NoError(t, cmd.Start())
			ended := false
			end := func() {
				if !ended {
					ended = true
					_ = cmd.Process.Kill()
					_ = cmd.Wait()
				}
			}
			t.Cleanup(end)
			notes := func() []string {
				found, err := filepath.Glob(filepath.Join(dir, "*.*-*"))
				require.NoError(t, err)
				return found
			}
			require.Eventually(t, func() bool { return len(notes()) == 1 }, 30*time.Second, time.Millisecond)
			end()
			_, number, _ := strings.Cut(filepath.Base(notes()[0]), ".")
			_, number, _ = strings.Cut(number, "-")
			id, err := strconv.Atoi(number)
			require.NoError(t, err)
			cleared, err := ClearStaleSysV(dir, func(pid int) bool { return pid != cmd.Process.Pid })
			require.NoError(t, err)
			require.Equal(t, 1, cleared)
			require.Empty(t, notes())
			if name == "sysv-mq" {
				require.ErrorIs(t, messageRemove(id), unix.EINVAL)
			} else {
				require.ErrorIs(t, semaphoreRemove(id), unix.EINVAL)
			}
		})
	}
}
