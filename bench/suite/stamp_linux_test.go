package suite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStamp_SaysWhatItCanFindOut(t *testing.T) {
	h := describeHost("v9", Dirs{})
	require.Equal(t, "v9", h.Version)
	require.NotEmpty(t, h.CPU)
	require.Equal(t, h.Pinned, len(h.PinnedTo) == 2)
	require.Empty(t, h.Compiler)
	require.Empty(t, h.Libraries)
	self, err := os.Executable()
	require.NoError(t, err)
	require.Empty(t, libraryOf(self, "libnone.so"))
	require.Empty(t, modulesOf(self), "it has dependencies, but none of others' contestants")
	require.Empty(t, compilerOf("/nowhere"))
}

func TestStamp_FlagsAreThoseOfTheMakefile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Makefile")
	require.NoError(t, os.WriteFile(path, []byte("CC := gcc\nCFLAGS ?= -O2 -march=native\nCXXFLAGS ?= $(CFLAGS)\n"), 0o600))
	require.Equal(t, "-O2 -march=native", usualFlags(path))
	require.Empty(t, usualFlags("/nowhere"))
}
