// Package socketdir makes the folder for a contestant's Unix socket, as bench/README.md names it.
package socketdir

import (
	"fmt"
	"os"
	"path/filepath"

	"shmpipe/bench/trial"
)

// longest is how many bytes the path of a Unix socket may have, without the zero at its end.
const longest = 107

// Dir is a folder that the process which was started made. The zero Dir is none.
type Dir struct{ path string }

// Make makes the folder in $TMPDIR. It is [trial.Cannot] if no path in there is short enough for a socket.
func Make() (Dir, error) {
	d := Dir{filepath.Join(os.TempDir(), trial.ObjectName())}
	if n := len(d.Socket()); n > longest {
		return Dir{}, trial.Cannot{Why: fmt.Sprintf("socket %s: the path has %d bytes, want at most %d: use a shorter TMPDIR", d.Socket(), n, longest)}
	}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		return Dir{}, fmt.Errorf("make a folder for the socket: %w", err)
	}
	return d, nil
}

// Socket is the path of the socket.
func (d Dir) Socket() string { return filepath.Join(d.path, "socket") }

// Remove removes the folder and the socket in it. Connections stay. To remove it again, or none, does nothing.
func (d Dir) Remove() error {
	if d.path == "" {
		return nil
	}
	return os.RemoveAll(d.path)
}
