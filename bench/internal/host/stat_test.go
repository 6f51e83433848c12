package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseStat_HasAllCPUsAndEach(t *testing.T) {
	before := ParseStat("cpu  100 0 50 1000 10 5 5 0 7 7\ncpu0 50 0 25 500 5 3 2 0 0 0\ncpu10 1 2 3 4\nctxt 5\n")
	require.Equal(t, Ticks{Total: 1170, Busy: 160}, before.All)
	require.Equal(t, Ticks{Total: 585, Busy: 80}, before.CPU[0])
	require.Equal(t, Ticks{Total: 10, Busy: 6}, before.CPU[10])
	after := ParseStat("cpu  300 0 150 1600 10 5 5 100 0 0\n")
	require.Equal(t, Ticks{Total: 1000, Busy: 400, Steal: 100}, after.All.Since(before.All))
	require.Equal(t, Stat{CPU: map[int]Ticks{}}, ParseStat("cpu  x y\n\nnothing"))
	require.Contains(t, Load{after.All}.Since(Load{before.All}), "meanwhile: 10.0 %")
	require.Empty(t, Load{}.Since(Load{}))
}

func TestCPUName_IsTheModel(t *testing.T) {
	require.Equal(t, "Some CPU @ 3", cpuName("processor : 0\nmodel name\t: Some CPU @ 3\n"))
	require.NotEmpty(t, cpuName(""))
}
