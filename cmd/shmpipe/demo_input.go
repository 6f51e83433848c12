package main

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// demoLeast is the least that is worth sending, in bytes.
const demoLeast = 100 << 20

// demoInput is the file that is sent.
type demoInput struct {
	path    string
	what    string // for people
	size    int64
	sum     [sha256.Size]byte
	hashing time.Duration // how long to hash it, with nothing else to do
	remove  func()
}

func (o *demoOptions) input(ctx context.Context) (*demoInput, error) {
	in := &demoInput{path: o.file, what: o.file, remove: func() {}}
	if o.file == "" {
		if err := in.make(ctx, o.app); err != nil {
			in.remove()
			return nil, cause(ctx, err)
		}
	}
	f, err := os.Open(in.path)
	if err == nil {
		err = in.hash(ctx, f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		in.remove()
		return nil, err
	}
	return in, nil
}

// hash reads the whole file, which also brings it into memory for the rounds.
func (in *demoInput) hash(ctx context.Context, f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() == 0 {
		return fmt.Errorf("%s is %v of %d bytes, want a regular file that is not empty: it is sent several times", in.path, st.Mode(), st.Size())
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := f.Read(buf)
		begin := time.Now()
		h.Write(buf[:n])
		in.hashing += time.Since(begin)
		in.size += int64(n)
		if isEOF(err) {
			h.Sum(in.sum[:0])
			return nil
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// make writes a temporary file.
func (in *demoInput) make(ctx context.Context, a *app) error {
	f, err := os.CreateTemp("", "shmpipe-demo-*.tar")
	if err != nil {
		return err
	}
	defer f.Close()
	in.path, in.remove = f.Name(), func() { os.Remove(f.Name()) }
	src := filepath.Join(goRoot(ctx), "src")
	if st, err := os.Stat(filepath.Join(src, "fmt")); err != nil || !st.IsDir() {
		a.say("no Go sources here: making %s of random bytes", bytesText(demoLeast))
		in.what = "pseudo-random bytes"
		return writeRandom(ctx, f, demoLeast+1)
	}
	a.say("making a tar of %s", src)
	files, times, err := writeTar(ctx, f, src)
	in.what = fmt.Sprintf("a tar of the Go standard library's sources (%s)", plural(uint64(files), "file"))
	if times > 1 {
		in.what += fmt.Sprintf(", %d times over", times)
	}
	return err
}

// goRoot is where Go is installed, as the go command knows it; "" if nobody knows.
func goRoot(ctx context.Context) string {
	if dir := os.Getenv("GOROOT"); dir != "" {
		return dir
	}
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "/usr/local/go"
	}
	return strings.TrimSpace(string(out))
}

// writeTar packs a directory, again and again until there is enough.
func writeTar(ctx context.Context, f *os.File, dir string) (files, times int, err error) {
	w := tar.NewWriter(f)
	for {
		n, err := addTree(ctx, w, dir, fmt.Sprintf("src%d", times))
		if err != nil {
			return files, times, err
		}
		files, times = n, times+1
		if err := w.Flush(); err != nil {
			return files, times, err
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return files, times, err
		}
		if at > demoLeast {
			return files, times, w.Close()
		}
	}
}

func addTree(ctx context.Context, w *tar.Writer, dir, as string) (files int, err error) {
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: as + "/" + path, Mode: 0o644, Size: int64(len(b))}); err != nil {
			return err
		}
		files++
		_, err = w.Write(b)
		return err
	})
	return files, err
}

func writeRandom(ctx context.Context, w io.Writer, n int64) error {
	r := rand.NewChaCha8([32]byte{})
	buf := make([]byte, 1<<20)
	for ; n > 0 && ctx.Err() == nil; n -= int64(len(buf)) {
		_, _ = r.Read(buf) // never fails
		if _, err := w.Write(buf[:min(int64(len(buf)), n)]); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
