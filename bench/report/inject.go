package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrMarker is that a file has not both marker lines, once each and in order.
var ErrMarker = errors.New("marker line missing, doubled or out of order")

// Inject replaces what stands between two lines of a Markdown file, which read begin and end but for blanks around them, with text.
// The lines stay. The file is replaced as a whole or not at all, and keeps its permissions; a symbolic link stays one.
// The error is [ErrMarker] if the lines are not there, else what the file system said.
func Inject(path string, begin, end string, text []byte) error {
	target, err := filepath.EvalSymlinks(path) // the file is replaced, not the link to it
	if err != nil {
		return fmt.Errorf("find the document: %w", err)
	}
	info, err := os.Stat(target)
	if err != nil {
		return fmt.Errorf("find the document: %w", err)
	}
	old, err := os.ReadFile(target)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	after, err := replaceBetween(old, begin, end, text)
	if err != nil {
		return fmt.Errorf("update %s: %w", path, err)
	}
	if bytes.Equal(old, after) {
		return nil
	}
	return writeFile(target, after, info.Mode().Perm())
}

// Check says whether [Inject] would find its lines in a file, which it only reads. The error is [ErrMarker] if they are not there, else what the
// file system said.
func Check(path string, begin, end string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if _, err = replaceBetween(text, begin, end, nil); err != nil {
		return fmt.Errorf("look into %s: %w", path, err)
	}
	return nil
}

func replaceBetween(old []byte, begin, end string, text []byte) ([]byte, error) {
	from, err := lineAt(old, begin)
	if err != nil {
		return nil, err
	}
	to, err := lineAt(old, end)
	if err != nil {
		return nil, err
	}
	if to.start < from.end {
		return nil, fmt.Errorf("line %q stands before %q: %w", end, begin, ErrMarker)
	}
	var out []byte
	out = append(out, old[:from.end]...)
	out = append(out, '\n')
	out = append(out, bytes.Trim(text, "\n")...)
	out = append(out, "\n\n"...)
	return append(out, old[to.start:]...), nil
}

// span is a line with its end.
type span struct{ start, end int }

// lineAt finds the only line that reads like marker.
func lineAt(text []byte, marker string) (span, error) {
	want := bytes.TrimSpace([]byte(marker))
	var found []span
	at := 0
	for line := range bytes.Lines(text) {
		if len(want) > 0 && bytes.Equal(bytes.TrimSpace(line), want) {
			found = append(found, span{at, at + len(line)})
		}
		at += len(line)
	}
	if len(found) != 1 {
		return span{}, fmt.Errorf("%d lines read %q, want 1: %w", len(found), want, ErrMarker)
	}
	return found[0], nil
}

// writeFile puts a file into place whole: who reads it meanwhile sees the old one.
func writeFile(path string, text []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // what is told is the first error
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
