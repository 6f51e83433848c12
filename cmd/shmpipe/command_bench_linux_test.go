package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBench_InterruptedBeforeTheFirstFigureKeepsEarlierOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "figures.json")
	require.NoError(t, os.WriteFile(path, []byte("earlier"), 0o644))
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	defer null.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	root := newRoot(&app{stdio: stdio{in: null, out: null, err: null}})
	root.SetArgs([]string{"bench", "--quick", "--contestants", "pipe", "--json", path})
	require.ErrorIs(t, root.ExecuteContext(ctx), errInterrupted)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "earlier", string(text))
}
