package fence

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPrepare_RegistersSoonAndKeepsNobodyWaiting(t *testing.T) {
	Process() // which works before, too
	Prepare()
	Prepare()
	if !Global() {
		t.Skip("this kernel has no membarrier, or a filter forbids it")
	}
	require.Eventually(t, Registered, 30*time.Second, time.Millisecond)
	require.Eventually(t, Settled, 30*time.Second, time.Millisecond)
	require.True(t, registered.private.Load())
	Process()
	require.True(t, Registered(), "for good")
}
