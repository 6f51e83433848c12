package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write writes the report to a file, as JSON. Whoever reads that name, at any time, finds the old report or the new one whole: it is written
// beside the file and takes its name then. A symbolic link stays one. What is no file, such as a pipe or /dev/null, is written to and not replaced.
func (r *Report) Write(path string) (err error) {
	text, err := r.JSON()
	if err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return writeTo(path, text)
	}
	target := path
	if err == nil { // the file is replaced, not the link to it
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return fmt.Errorf("write report %s: %w", path, err)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write report %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644) // it is no secret; a temporary file is
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

// writeTo writes to what is there and cannot be replaced.
func writeTo(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("write report %s: %w", path, err)
	}
	return nil
}

// JSON is the report as a file holds it. A list that is empty is one there, and not null: who reads it in another language need not ask.
func (r *Report) JSON() ([]byte, error) {
	c := *r
	c.Dirt, c.Rounds, c.Trials, c.Absent = list(c.Dirt), list(c.Rounds), list(c.Trials), list(c.Absent)
	c.Plan.Sizes, c.Plan.Contestants = list(c.Plan.Sizes), list(c.Plan.Contestants)
	text, err := json.MarshalIndent(&c, "", " ")
	return append(text, '\n'), err
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Read reads what [Report.Write] wrote. The error matches [fs.ErrInvalid] if it is no report, or one of another version of the schema.
func Read(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read report %s: %w: %w", path, fs.ErrInvalid, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("read report %s: it has version %d of the schema, want %d: %w; make it again", path, r.Schema, Schema, fs.ErrInvalid)
	}
	for i, t := range r.Trials {
		for name, v := range t.Values {
			if v < 0 || v > MostValue {
				return nil, fmt.Errorf("read report %s: trial %d, of %q, has %s = %g, want 0 to %g: %w", path, i, t.Contestant, name, v, float64(MostValue), fs.ErrInvalid)
			}
		}
	}
	return &r, nil
}
