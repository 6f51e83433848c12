package suite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// repository makes the folders of one whose go.mod names a module.
func repository(t *testing.T, module string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"bench/c/bin", "bench/peers/bin"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+module+"\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "bench/c/bin/ring"), []byte("#!/bin/sh\n"), 0o700))
	return root
}

func TestFindDirs_TakesTheFirstThatIsThisModule(t *testing.T) {
	other, ours, next := repository(t, "shmpipe/bench/peers"), repository(t, "shmpipe"), repository(t, "shmpipe")
	require.Equal(t, Dirs{C: filepath.Join(ours, "bench/c/bin"), Peers: filepath.Join(ours, "bench/peers/bin")}, findDirs([]string{t.TempDir(), other, ours, next}))
	require.Equal(t, Dirs{}, findDirs([]string{other}), "it could be anybody's")
}

func TestFindDirs_TrustsNoFolderThatEverybodyWrites(t *testing.T) {
	root := repository(t, "shmpipe")
	require.NoError(t, os.Chmod(filepath.Join(root, "bench"), 0o777))
	d := findDirs([]string{root})
	require.Empty(t, d.C)
	require.Contains(t, d.Why, "may be changed by everybody")
	for _, c := range Catalogue("/self", Verbs{"one", "many"}, d) {
		if c.Name == "ring" || c.Name == "grpc" {
			require.Equal(t, d.Why, c.Absent)
		}
	}
}

func TestAbsent_RefusesProgramsOfOthers(t *testing.T) {
	program := filepath.Join(repository(t, "shmpipe"), "bench/c/bin/ring")
	require.Empty(t, absent(program))
	require.NoError(t, os.Chmod(program, 0o777))
	require.Contains(t, absent(program), "not run: "+program+" may be changed by everybody")
	require.NoError(t, os.Chmod(program, 0o755))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(program, 4711, -1))
		require.Contains(t, absent(program), "belongs to uid 4711")
	}
	t.Chdir(filepath.Dir(program))
	require.Equal(t, notBuilt, absent("ring"), "a bare name is nobody's")
}
