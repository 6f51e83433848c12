package shmpipe_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "shmpipe"

// rule says what the packages of a folder may import beside the standard library. A folder without a rule may import anything.
type rule struct {
	allow []string // packages of ours and of others
	deny  []string // of the standard library; each with what is below it
}

var rules = map[string]rule{
	"protocol":           {},
	"futex":              {allow: []string{"golang.org/x/sys/unix", "shmpipe/internal/spin", "shmpipe/internal/seam"}},
	"ring":               {allow: []string{"shmpipe/protocol", "shmpipe/internal/spin", "shmpipe/internal/prefetch", "shmpipe/internal/bulk", "shmpipe/internal/seam"}, deny: []string{"os", "context", "time", "net", "syscall"}},
	"segment":            {allow: []string{"golang.org/x/sys/unix", "github.com/edsrzf/mmap-go", "shmpipe/protocol", "shmpipe/internal/ofd", "shmpipe/internal/owner"}},
	"mqueue":             {allow: []string{"golang.org/x/sys/unix", "shmpipe/protocol", "shmpipe/internal/mq", "shmpipe/internal/ofd", "shmpipe/internal/owner", "shmpipe/internal/spin", "shmpipe/internal/whoami"}},
	"internal/mq":        {allow: []string{"golang.org/x/sys/unix"}},
	"internal/ofd":       {allow: []string{"golang.org/x/sys/unix"}},
	"internal/owner":     {},
	"internal/whoami":    {},
	"internal/seam":      {},
	"internal/explore":   {allow: []string{"shmpipe/protocol", "shmpipe/ring", "shmpipe/internal/seam"}},
	"internal/prefetch":  {},
	"internal/bulk":      {allow: []string{"github.com/klauspost/cpuid/v2"}},
	"internal/spin":      {allow: []string{"golang.org/x/sys/cpu"}},
	"internal/fence":     {allow: []string{"golang.org/x/sys/unix"}},
	"internal/procwatch": {allow: []string{"golang.org/x/sys/unix"}},
	"internal/check":     {allow: []string{"shmpipe/protocol"}},
	".": {allow: []string{"shmpipe/protocol", "shmpipe/ring", "shmpipe/futex", "shmpipe/segment", "shmpipe/mqueue", "shmpipe/internal/spin",
		"shmpipe/internal/fence", "shmpipe/internal/procwatch", "shmpipe/internal/seam", "shmpipe/internal/whoami"}},
}

// helpers are for tests only.
var helpers = []string{"shmpipe/internal/shmtest", "testing"}

// embeddable are the third-party packages that reach those who embed this module.
var embeddable = []string{"golang.org/x/sys", "github.com/edsrzf/mmap-go", "github.com/klauspost/cpuid"}

type source struct {
	folder, file string // of the module, with slashes
	imports      []string
	lines        int
}

func (s source) path() string { return path.Join(s.folder, s.file) }

func (s source) isTest() bool { return strings.HasSuffix(s.file, "_test.go") }

// sources are the Go files of this module: nested modules, data and hidden folders are not of it.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file == "." {
				return nil
			}
			if d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{folder: path.Dir(filepath.ToSlash(file)), file: path.Base(filepath.ToSlash(file)), lines: bytes.Count(text, []byte("\n"))}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		found = append(found, s)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(found), 50, "the test does not run in the module's root")
	return found
}

// standard reports whether a package is of the standard library, whose paths begin with no host name.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first != module && !strings.Contains(first, ".")
}

func below(name, parent string) bool { return name == parent || strings.HasPrefix(name, parent+"/") }

func TestArchitecture_EveryPackageImportsOnlyWhatItMay(t *testing.T) {
	seen := make(map[string]bool)
	for _, s := range sources(t) {
		r, ok := rules[s.folder]
		if !ok || s.isTest() {
			continue
		}
		seen[s.folder] = true
		for _, name := range s.imports {
			if standard(name) {
				for _, d := range r.deny {
					require.False(t, below(name, d), "%s imports %s, which %s must not know", s.path(), name, s.folder)
				}
				continue
			}
			require.Contains(t, r.allow, name, "%s imports %s", s.path(), name)
		}
	}
	for folder := range rules {
		require.True(t, seen[folder], "rule for %s, where no package is", folder)
	}
}

func TestArchitecture_OrgansHaveARule(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || len(s.imports) == 0 { // a package of tests only
			continue
		}
		free := below(s.folder, "cmd") || below(s.folder, "bench") || below(s.folder, "internal/shmtest") || below(s.folder, "docs")
		if _, ok := rules[s.folder]; !ok {
			require.True(t, free, "%s: no rule says what %s may import", s.path(), s.folder)
		}
	}
}

func TestArchitecture_EmbeddersDownloadLittle(t *testing.T) {
	for _, s := range sources(t) {
		if _, embedded := rules[s.folder]; !embedded || s.isTest() {
			continue
		}
		for _, name := range s.imports {
			ok := standard(name) || below(name, module) || slices.ContainsFunc(embeddable, func(m string) bool { return below(name, m) })
			require.True(t, ok, "%s imports %s", s.path(), name)
		}
	}
}

func TestArchitecture_UnsafeIsInFilesThatSaySo(t *testing.T) {
	for _, s := range sources(t) {
		if !slices.Contains(s.imports, "unsafe") || s.isTest() {
			continue
		}
		base := strings.TrimSuffix(s.file, ".go")
		ok := strings.HasSuffix(base, "_unsafe") || strings.Contains(base, "_unsafe_") || strings.HasSuffix(base, "_linux")
		require.True(t, ok, "%s imports unsafe; want a name that ends in _unsafe.go or _linux.go", s.path())
	}
}

func TestArchitecture_TestHelpersAreForTests(t *testing.T) {
	for _, s := range sources(t) {
		if s.isTest() || below(s.folder, "internal/shmtest") {
			continue
		}
		for _, name := range s.imports {
			require.False(t, slices.ContainsFunc(helpers, func(h string) bool { return below(name, h) }), "%s imports %s", s.path(), name)
		}
	}
}

func TestArchitecture_NamesSaySomethingAndFilesAreShort(t *testing.T) {
	const longest = 400 // lines
	for _, s := range sources(t) {
		for _, name := range strings.Split(s.folder, "/") {
			require.NotContains(t, []string{"util", "utils", "common", "types", "errors"}, name, "%s: the package's name says nothing", s.path())
		}
		if !s.isTest() {
			require.LessOrEqual(t, s.lines, longest, "%s has %d lines", s.path(), s.lines)
		}
	}
}
