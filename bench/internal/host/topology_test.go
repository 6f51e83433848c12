package host

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestApart_FollowsWhatTheKernelTells(t *testing.T) {
	cpus := fstest.MapFS{}
	add := func(cpu, threads, l1, l3, pkg string) {
		for name, text := range map[string]string{"topology/thread_siblings_list": threads, "topology/physical_package_id": pkg, "cache/index0/level": "1",
			"cache/index0/shared_cpu_list": l1, "cache/index3/level": "3", "cache/index3/shared_cpu_list": l3} {
			cpus["cpu"+cpu+"/"+name] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
	}
	add("0", "0,8", "0,8", "0-3,8-11", "0")
	add("1", "1,9", "1,9", "0-3,8-11", "0")
	add("4", "4,12", "4,12", "4-7,12-15", "0")
	add("8", "0,8", "0,8", "0-3,8-11", "0")
	add("16", "16", "16", "16-19", "1")
	require.Equal(t, "SMT siblings", apart(cpus, 0, 8))
	require.Equal(t, "sharing an L3", apart(cpus, 0, 1))
	require.Equal(t, "with an L3 each", apart(cpus, 0, 4))
	require.Equal(t, "in two packages", apart(cpus, 0, 16))
	require.Empty(t, apart(cpus, 0, 99))
	require.Empty(t, apart(fstest.MapFS{}, 0, 1))
}
