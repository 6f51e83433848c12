package suite

import (
	"os"
	"path/filepath"
	"strings"
)

// Dirs say where programs are that are not this one.
type Dirs struct {
	C     string // contestants in C
	Peers string // the program of the nested module
	Why   string // there are none; "": nobody built them
}

// FindDirs looks for a repository's programs: beside this program's folder, then below the working directory. What is there is executed, so it has to be
// in the root of this module, and nobody but this user and root may have put it there.
func FindDirs() Dirs {
	var roots []string
	if self, err := os.Executable(); err == nil {
		roots = append(roots, filepath.Dir(filepath.Dir(self)))
	}
	if here, err := os.Getwd(); err == nil {
		roots = append(roots, here)
	}
	return findDirs(roots)
}

func findDirs(roots []string) (none Dirs) {
	for _, root := range roots {
		bench := filepath.Join(root, "bench")
		if !isModule(filepath.Join(root, "go.mod")) {
			continue
		}
		if err := trusted(root, bench, filepath.Join(bench, "c"), filepath.Join(bench, "peers")); err != nil {
			none.Why = "not run: " + err.Error()
			continue
		}
		return Dirs{C: filepath.Join(bench, "c", "bin"), Peers: filepath.Join(bench, "peers", "bin")}
	}
	return none
}

// isModule reports whether a file says that its folder is the root of this module.
func isModule(gomod string) bool {
	text, err := os.ReadFile(gomod)
	first, _, _ := strings.Cut(string(text), "\n")
	return err == nil && strings.TrimSpace(first) == "module shmpipe"
}
