package shmpipe

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// automatic is the order in which Auto tries: shared memory first. A backend without names is none of them, because two processes
// could not meet there.
var automatic = [...]Backend{POSIX, SysV, POSIXQueue, SysVQueue}

// createAuto makes the pipe in the first backend that can hold it. A name that is taken, or cannot be one, is an error everywhere and
// ends the search; that something cannot be had here does not.
func createAuto(name string, geo Geometry, o Options) (*Pipe, error) {
	if p, err := openAuto(name, o); err == nil { // in any of them
		where := p.where()
		return nil, errors.Join(fmt.Errorf("create %s: %w, as %s", name, fs.ErrExist, where), p.Close())
	}
	var refused []error
	for _, b := range automatic {
		o.Backend = b
		p, err := create(name, geo, o)
		if err == nil {
			p.explain = explain(b, refused)
			return p, nil
		}
		if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrInvalid) && !errors.Is(err, errQueueCannot) {
			return nil, err
		}
		refused = append(refused, fmt.Errorf("%v: %w", b, err))
	}
	return nil, fmt.Errorf("create %s: no backend can be had: %w", name, errors.Join(refused...))
}

// openAuto opens the pipe in whichever backend has one of that name.
func openAuto(name string, o Options) (*Pipe, error) {
	var absent []error
	for _, b := range automatic {
		o.Backend = b
		p, err := open(name, o)
		if err == nil {
			p.explain = fmt.Sprintf("backend %v: it was found there", b)
			return p, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		absent = append(absent, err)
	}
	return nil, fmt.Errorf("open %s: in no backend: %w", name, errors.Join(absent...))
}

// removeAuto removes it from whichever backend has it.
func removeAuto(name string, force bool, o Options) error {
	var absent []error
	for _, b := range automatic {
		o.Backend = b
		err := remove(name, force, o)
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		absent = append(absent, err)
	}
	return fmt.Errorf("remove %s: in no backend: %w", name, errors.Join(absent...))
}

// listAuto lists all that have names. What cannot be listed is left out, unless that is everything.
func listAuto(o Options) ([]Entry, error) {
	var found []Entry
	var failed []error
	for _, b := range automatic {
		o.Backend = b
		entries, err := list(o)
		if err != nil {
			failed = append(failed, err)
		}
		found = append(found, entries...)
	}
	if len(failed) == len(automatic) {
		return nil, errors.Join(failed...)
	}
	slices.SortStableFunc(found, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// explain says why a backend was chosen.
func explain(b Backend, refused []error) string {
	if len(refused) == 0 {
		return fmt.Sprintf("backend %v: the first choice of auto", b)
	}
	why := make([]string, len(refused))
	for i, err := range refused {
		why[i] = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return fmt.Sprintf("backend %v, because of %s", b, strings.Join(why, "; "))
}
