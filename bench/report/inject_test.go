package report

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const beginMark, endMark = "<!-- bench:begin -->", "<!-- bench:end -->"

func document(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
	return path
}

func TestInject_ReplacesWhatStandsBetweenTheMarkers(t *testing.T) {
	path := document(t, "# Title\n\n"+beginMark+"\nold\n\nolder\n"+endMark+"\nafter")
	want := "# Title\n\n" + beginMark + "\n\n| new |\n\n" + endMark + "\nafter"
	for range 2 { // the second time changes nothing
		require.NoError(t, Inject(path, beginMark, endMark, []byte("| new |\n")))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o640), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing else is left")
}

func TestInject_KeepsASymbolicLink(t *testing.T) {
	path := document(t, beginMark+"\n"+endMark+"\n")
	link := filepath.Join(t.TempDir(), "link.md")
	require.NoError(t, os.Symlink(path, link))
	require.NoError(t, Inject(link, beginMark, endMark, []byte("text")))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeSymlink)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(got), "\ntext\n")
}

func TestInject_RejectsMarkersThatAreNotThereOnceAndInOrder(t *testing.T) {
	for name, text := range map[string]string{
		"none": "text\n", "no end": beginMark + "\n", "no begin": endMark + "\n", "wrong order": endMark + "\n" + beginMark + "\n",
		"doubled": beginMark + "\n" + beginMark + "\n" + endMark + "\n", "inside a line": "see " + beginMark + "\n" + endMark + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := document(t, text)
			require.ErrorIs(t, Inject(path, beginMark, endMark, []byte("new")), ErrMarker)
			got, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, string(got))
		})
	}
	require.ErrorIs(t, Inject(document(t, "\n\n"), "", "", nil), ErrMarker, "an empty line is no marker")
}

func TestInject_SaysThatThereIsNoFile(t *testing.T) {
	require.ErrorIs(t, Inject(filepath.Join(t.TempDir(), "none.md"), beginMark, endMark, nil), fs.ErrNotExist)
}
