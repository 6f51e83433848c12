package segment

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"shmpipe/protocol"
)

const (
	posixPrefix = "shmpipe."
	lockPrefix  = "shmpipe-sysv."
	lockSuffix  = ".lock"
)

// ValidateName reports why name cannot be the name of a segment: it becomes part of a file's name and of messages on terminals.
// The error matches [fs.ErrInvalid].
func ValidateName(name string) error {
	bad := func(why string) error { return fmt.Errorf("name %q %s: %w", name, why, fs.ErrInvalid) }
	switch {
	case name == "":
		return fmt.Errorf("name is empty, want 1 to %d bytes: %w", protocol.MaxName, fs.ErrInvalid)
	case len(name) > protocol.MaxName:
		return fmt.Errorf("name has %d bytes, want at most %d: %w", len(name), protocol.MaxName, fs.ErrInvalid)
	case name == "." || name == "..":
		return bad("is a directory's")
	case strings.ContainsRune(name, '/'):
		return bad("contains a slash; a name is not a path")
	case strings.ContainsRune(name, 0):
		return bad("contains a NUL byte")
	case !utf8.ValidString(name):
		return bad("is not valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return bad("contains a control character")
	}
	return nil
}

func posixEntry(name string) string { return posixPrefix + name }

func lockEntry(name string) string { return lockPrefix + name + lockSuffix }

// posixName is the inverse of posixEntry.
func posixName(entry string) (string, bool) {
	name, ok := strings.CutPrefix(entry, posixPrefix)
	return name, ok && ValidateName(name) == nil
}

// lockName is the inverse of lockEntry.
func lockName(entry string) (string, bool) {
	name, ok := strings.CutPrefix(entry, lockPrefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, lockSuffix)
	return name, ok && ValidateName(name) == nil
}
