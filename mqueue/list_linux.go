package mqueue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"shmpipe/internal/mq"
	"shmpipe/protocol"
)

// List finds the queues of one kind, in the order of their names, sound or not: Err says what is wrong. Of POSIX queues that have lost their
// state file it knows only where the kernel's filesystem of queues is mounted.
func List(k Kind, o Options) ([]Entry, error) {
	o.ReadOnly = true
	found, err := list(k, o)
	if err != nil {
		return nil, fmt.Errorf("list %v queues: %w", k, err)
	}
	return found, nil
}

func list(k Kind, o Options) ([]Entry, error) {
	if k == POSIX {
		if _, err := mq.ReadPOSIXLimits(); err != nil {
			return nil, err
		}
	}
	var found []Entry
	known := make(map[string]bool)
	seen := make(map[string]bool)
	var failed error
	read := 0
	for _, dir := range o.dirs() {
		files, err := os.ReadDir(dir)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		read++
		for _, f := range files {
			name, ok := nameOf(k, f.Name())
			if !ok || seen[name] {
				continue
			}
			s, err := openStateAt(dir+"/"+f.Name(), k, o)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			seen[name] = true
			found = append(found, examine(k, name, dir+"/"+f.Name(), s, err, known))
		}
	}
	if read == 0 {
		return nil, failed
	}
	if k == POSIX && o.Dir == "" {
		found = append(found, orphans(known)...)
	}
	slices.SortFunc(found, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// examine describes what a state file is about, and closes it.
func examine(k Kind, name, path string, s *stateFile, err error, known map[string]bool) Entry {
	e := Entry{Name: name, Kind: k, Path: path, Err: err}
	if s == nil {
		return e
	}
	defer s.close()
	e.Mode, e.UID, e.Size = s.mode, s.uid, s.size
	if err != nil {
		return e
	}
	h := s.head
	known[h.queueName()] = true
	e.Created, e.QueueMode, e.Capacity, e.MaxMessage = h.created, h.mode, h.capacity, h.maxMessage
	kq, err := s.openReady()
	if err != nil {
		e.Err = err
		return e
	}
	e.Path = (&Queue{state: s}).path()
	e.Err = kq.Close()
	return e
}

// orphans are queues with a name of ours and no state file.
func orphans(known map[string]bool) []Entry {
	names, err := mq.ListPOSIX()
	if err != nil {
		return nil // not mounted
	}
	var found []Entry
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, queuePrefix); ok && !known[n] {
			found = append(found, Entry{Name: rest, Kind: POSIX, Path: "mq:/" + n, Err: fmt.Errorf("%w: queue /%s has no state file in /dev/shm or /tmp; unless it has one in another directory, remove it with `rm /dev/mqueue/%s`", protocol.ErrNotSegment, n, n)})
		}
	}
	return found
}
