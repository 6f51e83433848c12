package contest

import (
	"os"
	"path/filepath"
	"testing"

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
