package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFloor_IsThatOfTwoCPUs(t *testing.T) {
	before := Allowed()
	ns := Floor()
	if len(before) < 2 {
		require.Zero(t, ns, "one CPU has nobody to talk to")
		return
	}
	t.Logf("%.0f ns", ns)
	require.Greater(t, ns, 1.0)
	require.Equal(t, before, Allowed(), "this thread is not pinned by it")
}
