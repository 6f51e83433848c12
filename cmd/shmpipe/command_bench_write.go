package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	benchreport "shmpipe/bench/report"
	"shmpipe/bench/result"
)

// checkTargets finds out whether what is asked for can be written: an hour of measuring shall not end with a folder that is not there.
func (o *benchOptions) checkTargets() error {
	if o.given("out") && o.out == "" {
		return usagef("--out is empty, want a folder")
	}
	if o.given("json") && o.json == "" {
		return usagef("--json is empty, want a file")
	}
	if o.out != "" {
		if err := os.MkdirAll(o.out, 0o755); err != nil {
			return err
		}
		if err := takesFiles(o.out); err != nil {
			return err
		}
	}
	if o.json != "" {
		if err := takesFigures(o.json); err != nil {
			return err
		}
	}
	for _, file := range o.update {
		if err := hasMarkers(file); err != nil {
			return err
		}
		target, err := filepath.EvalSymlinks(file) // which is replaced
		if err != nil {
			return err
		}
		if err := takesFiles(filepath.Dir(target)); err != nil {
			return err
		}
	}
	return nil
}

// takesFigures checks that a file can be made, or replaced. A pipe or a device is written to at the end; whether that works shows then.
func takesFigures(path string) error {
	target := path
	switch info, err := os.Stat(path); {
	case err != nil: // it is to be made
	case info.IsDir():
		return fmt.Errorf("%s is a folder, want a file for the figures", path)
	case !info.Mode().IsRegular():
		return nil
	default:
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	return takesFiles(filepath.Dir(target))
}

// takesFiles checks that files can be made in a folder.
func takesFiles(dir string) error {
	f, err := os.CreateTemp(dir, ".shmpipe-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// write puts the report everywhere it is wanted. The figures come first: they cannot be had again.
func (o *benchOptions) write(rep *result.Report) error {
	var failed error
	if o.json != "" {
		failed = rep.Write(o.json)
	}
	if o.out != "" {
		failed = errors.Join(failed, benchreport.HTML(o.out, rep))
	}
	for _, file := range o.update {
		failed = errors.Join(failed, updateTables(file, rep))
	}
	width, colour := 0, false
	if isTerminal(o.app.out) {
		if w, _, err := term.GetSize(int(o.app.out.Fd())); err == nil {
			width, colour = w, os.Getenv("NO_COLOR") == ""
		}
	}
	failed = errors.Join(failed, benchreport.Terminal(o.app.out, rep, width, colour))
	if o.out != "" && failed == nil {
		o.app.say("see %s", filepath.Join(o.out, "index.html"))
	}
	return failed
}

// marker is what the lines around a table in a Markdown file are called.
type marker struct {
	name  string
	write func(*strings.Builder, *result.Report) error
}

var markers = [...]marker{
	{"bench small", func(b *strings.Builder, r *result.Report) error { return benchreport.Small(b, r) }},
	{"bench tables", func(b *strings.Builder, r *result.Report) error { return benchreport.Markdown(b, r) }},
}

func (m marker) begin() string { return "<!-- begin " + m.name + " -->" }
func (m marker) end() string   { return "<!-- end " + m.name + " -->" }

// hasMarkers says why a file has none of the markers; nil if it has some.
func hasMarkers(file string) error {
	for _, m := range markers {
		err := benchreport.Check(file, m.begin(), m.end())
		if err == nil {
			return nil
		}
		if !errors.Is(err, benchreport.ErrMarker) {
			return err
		}
	}
	return fmt.Errorf("%s has none of the markers `%s` and `%s`, each with its end", file, markers[0].begin(), markers[1].begin())
}

// updateTables replaces what is between the markers that a file has.
func updateTables(file string, rep *result.Report) error {
	if err := hasMarkers(file); err != nil {
		return err
	}
	for _, m := range markers {
		var b strings.Builder
		if err := m.write(&b, rep); err != nil {
			return err
		}
		err := benchreport.Inject(file, m.begin(), m.end(), []byte(b.String()))
		if err != nil && !errors.Is(err, benchreport.ErrMarker) {
			return err
		}
	}
	return nil
}
