package procwatch

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func startSleeper(t *testing.T) *exec.Cmd {
	cmd := exec.Command("sleep", "600")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func TestStart_TellsWhenTheProcessEndsAlsoIfNobodyReapsIt(t *testing.T) {
	cmd := startSleeper(t)
	ended := make(chan struct{})
	w, err := Start(cmd.Process.Pid, func() { close(ended) })
	require.NoError(t, err)
	defer w.Stop()
	select {
	case <-ended:
		t.Fatal("it lives")
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, cmd.Process.Kill())
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("not told")
	}
}

func TestStart_TellsOfAProcessThatEndedBefore(t *testing.T) {
	cmd := startSleeper(t)
	require.NoError(t, cmd.Process.Kill()) // a zombie until the clean-up reaps it
	ended := make(chan struct{})
	_, err := Start(cmd.Process.Pid, func() { close(ended) })
	require.NoError(t, err)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("not told")
	}
}

func TestStop_EndsTheWatch(t *testing.T) {
	cmd := startSleeper(t)
	w, err := Start(cmd.Process.Pid, func() { t.Error("told after Stop") })
	require.NoError(t, err)
	w.Stop()
	w.Stop()
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	var none *Watch
	none.Stop()
}

func TestStart_SaysWhyNot(t *testing.T) {
	_, err := Start(1<<22+12345, func() {})
	require.ErrorContains(t, err, "process 4206649")
}
