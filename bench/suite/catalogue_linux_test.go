package suite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// Whoever can write to the working directory must not have us run what lies there.
func TestProgramsOfAnyFolder_AreNotRun(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	trap := filepath.Join("bench", "c", "bin", "ring")
	require.NoError(t, os.MkdirAll(filepath.Dir(trap), 0o755))
	require.NoError(t, os.WriteFile(trap, []byte("#!/bin/sh\n"), 0o755))
	_, err := os.Stat(filepath.Join(FindDirs().C, "ring"))
	require.Error(t, err)
	require.NoError(t, os.WriteFile("go.mod", []byte("module shmpipe\n"), 0o644))
	_, err = os.Stat(filepath.Join(FindDirs().C, "ring"))
	require.NoError(t, err, "the repository's own")
}

func TestAProgramOfSomebodyElse_IsAbsent(t *testing.T) {
	program := filepath.Join(t.TempDir(), "ring")
	require.NoError(t, os.WriteFile(program, nil, 0o755))
	require.Empty(t, absent(program))
	require.NoError(t, os.Chmod(program, 0o777))
	require.Contains(t, absent(program), "changed by everybody")
	require.NoError(t, os.Chmod(program, 0o755))
	if err := os.Chown(program, 65534, 65534); err != nil {
		t.Skip(err)
	}
	if os.Geteuid() == 0 {
		require.Contains(t, absent(program), "belongs to uid 65534")
	}
}

func TestWhoHasNoPartInThePlan_IsNamed(t *testing.T) {
	p := plan(result.Throughput)
	both := []Contestant{script(t, "sound", sound), {Name: "other", Command: []string{"/bin/true"}, Modes: []string{result.Channels}}}
	r, err := Run(t.Context(), Settings{Plan: p, Catalogue: both})
	require.NoError(t, err)
	require.Equal(t, []result.Absent{{Contestant: "other", Why: "the plan test has nothing that it takes part in: it does chan, and the plan thr"}}, r.Absent)
	_, err = Run(t.Context(), Settings{Plan: p, Catalogue: both[1:]})
	require.ErrorIs(t, err, ErrNobody)
	require.ErrorContains(t, err, "other: the plan test has nothing")
}

func TestCatalogue_SaysOfEveryContestantWhatItIs(t *testing.T) {
	for _, c := range Catalogue("/bin/true", Verbs{Contestant: "contestant", Crowd: "crowd"}, Dirs{}) {
		require.NotEmpty(t, c.About, c.Name)
	}
}

func TestARound_WithoutARawRoundTripSaysSo(t *testing.T) {
	require.Equal(t, "raw round trip 80 and 120 ns", floorText(result.Round{FloorBefore: 80, FloorAfter: 120}))
	require.Equal(t, "raw round trip not measured", floorText(result.Round{}), "as on a single processor")
}
