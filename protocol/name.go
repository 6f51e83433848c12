package protocol

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ValidateName reports why name cannot be the name of a segment or a queue: it becomes part of a file's name and of messages on
// terminals. The error matches [fs.ErrInvalid].
func ValidateName(name string) error {
	bad := func(why string) error { return fmt.Errorf("name %q %s: %w", name, why, fs.ErrInvalid) }
	switch {
	case name == "":
		return fmt.Errorf("name is empty, want 1 to %d bytes: %w", MaxName, fs.ErrInvalid)
	case len(name) > MaxName:
		return fmt.Errorf("name has %d bytes, want at most %d: %w", len(name), MaxName, fs.ErrInvalid)
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
