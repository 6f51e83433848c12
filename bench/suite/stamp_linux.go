package suite

import (
	"bufio"
	"debug/buildinfo"
	"debug/elf"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"shmpipe/bench/internal/host"
	"shmpipe/bench/result"
)

// describeHost says what a run is measured on, and with what the contestants were made. What nobody tells is left out.
func describeHost(version string, dirs Dirs) result.Host {
	h := result.Host{
		CPU: host.CPUName(), CPUs: runtime.NumCPU(), L2: host.L2(), L3: host.L3(), Kernel: host.Kernel(), Go: runtime.Version(), Clock: host.Clock(),
		Version: version, PinnedTo: pinned(),
	}
	if h.Pinned = len(h.PinnedTo) == 2; h.Pinned {
		h.Apart = host.Apart(h.PinnedTo[0], h.PinnedTo[1])
	}
	for _, c := range inC {
		if program := filepath.Join(dirs.C, c[0]); h.Compiler == "" && absent(program) == "" {
			h.Compiler = compilerOf(program)
		}
	}
	if h.Compiler != "" {
		h.Flags = usualFlags(filepath.Join(filepath.Dir(dirs.C), "Makefile"))
	}
	for _, c := range [...]struct{ program, library string }{{"zmq", "libzmq.so"}, {"nng", "libnng.so"}, {"dpdkring", "librte_ring.so"}} {
		if program := filepath.Join(dirs.C, c.program); absent(program) == "" {
			h.Libraries = append(h.Libraries, libraryOf(program, c.library)...)
		}
	}
	if program := filepath.Join(dirs.Peers, "peers"); absent(program) == "" {
		h.Libraries = append(h.Libraries, modulesOf(program)...)
	}
	return h
}

// compilerOf is what a program's compiler wrote into it, such as GCC: (Debian 12.2.0-14) 12.2.0; "" if it wrote nothing. The last one is that of the
// program itself: those before it made the objects that every program begins with.
func compilerOf(program string) string {
	f, err := elf.Open(program)
	if err != nil {
		return ""
	}
	defer f.Close()
	section := f.Section(".comment")
	if section == nil {
		return ""
	}
	text, err := section.Data()
	if err != nil {
		return ""
	}
	notes := strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 })
	if len(notes) == 0 {
		return ""
	}
	return strings.TrimSpace(notes[len(notes)-1])
}

// usualFlags are those that a makefile gives the compiler if nobody says otherwise.
func usualFlags(makefile string) string {
	f, err := os.Open(makefile)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if flags, ok := strings.CutPrefix(lines.Text(), "CFLAGS ?="); ok {
			return strings.TrimSpace(flags)
		}
	}
	return ""
}

// libraryOf is the file of a shared library that a program is linked with: its name ends with the version.
func libraryOf(program, library string) []string {
	f, err := elf.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, library) })
	if i < 0 {
		return nil
	}
	for _, pattern := range [...]string{"/lib/*-linux-*/", "/usr/lib/*-linux-*/", "/usr/local/lib/", "/lib64/", "/usr/lib64/", "/usr/lib/", "/lib/"} {
		found, _ := filepath.Glob(pattern + names[i]) // the pattern is sound
		if len(found) == 0 {
			continue
		}
		if target, err := filepath.EvalSymlinks(found[0]); err == nil {
			return []string{filepath.Base(target)}
		}
	}
	return []string{names[i]}
}

// modulesOf are those of the contestants in Go that have dependencies.
func modulesOf(program string) (modules []string) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil
	}
	for _, d := range info.Deps {
		switch d.Path {
		case "github.com/cloudwego/shmipc-go", "go.nanomsg.org/mangos/v3", "google.golang.org/grpc", "gvisor.dev/gvisor":
			name := path.Base(d.Path)
			if name == "v3" {
				name = path.Base(path.Dir(d.Path))
			}
			modules = append(modules, name+" "+d.Version)
		}
	}
	return modules
}
