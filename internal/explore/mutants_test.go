//go:build seam

package explore

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutants_AreEachCaught breaks the ring's code in one place at a time and makes sure that the explorer finds it. The code that is
// shipped knows nothing of it: the broken file is laid over the right one when the test binary is built.
func TestMutants_AreEachCaught(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("builds a test binary for each mutant")
	}
	builds := make(chan struct{}, 2)
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			builds <- struct{}{}
			defer func() { <-builds }()
			binary := m.build(t)
			run := exec.Command(binary, "-test.run", "TestRing_KeepsItsPromises/^"+m.config+"$")
			out, err := run.CombinedOutput()
			require.Error(t, err, "the mutant survives %s", m.config)
			require.Contains(t, string(out), "violation: ", "it ends otherwise than by being caught")
			_, found, _ := strings.Cut(string(out), "violation: ")
			found, _, _ = strings.Cut(found, "\n")
			t.Logf("caught: %s", found)
		})
	}
}

// mutant is a rule of the protocol that is broken.
type mutant struct {
	name   string
	config string // that must catch it
	file   string
	edits  []edit
}

// edit replaces text that stands in the file exactly once.
type edit struct{ old, new string }

// build builds this test with the broken file. It returns the path of the binary.
func (m mutant) build(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", "..", "ring", m.file))
	require.NoError(t, err)
	text, err := os.ReadFile(source)
	require.NoError(t, err)
	broken := string(text)
	for _, e := range m.edits {
		require.Equal(t, 1, strings.Count(broken, e.old), "%s does not have this exactly once: %s", m.file, e.old)
		broken = strings.Replace(broken, e.old, e.new, 1)
	}
	folder := t.TempDir()
	file := filepath.Join(folder, m.file)
	require.NoError(t, os.WriteFile(file, []byte(broken), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: file}})
	require.NoError(t, err)
	overlayFile := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, overlay, 0o600))
	binary := filepath.Join(folder, "mutant.test")
	out, err := exec.Command("go", "test", "-c", "-tags", "seam", "-overlay", overlayFile, "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// one is a mutant with one edit.
func one(name, config, file, old, new string) mutant {
	return mutant{name, config, file, []edit{{old, new}}}
}
