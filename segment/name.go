package segment

import (
	"strings"

	"shmpipe/protocol"
)

const (
	posixPrefix = "shmpipe."
	lockPrefix  = "shmpipe-sysv."
	lockSuffix  = ".lock"
)

func posixEntry(name string) string { return posixPrefix + name }

func lockEntry(name string) string { return lockPrefix + name + lockSuffix }

// posixName is the inverse of posixEntry.
func posixName(entry string) (string, bool) {
	name, ok := strings.CutPrefix(entry, posixPrefix)
	return name, ok && protocol.ValidateName(name) == nil
}

// lockName is the inverse of lockEntry.
func lockName(entry string) (string, bool) {
	name, ok := strings.CutPrefix(entry, lockPrefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, lockSuffix)
	return name, ok && protocol.ValidateName(name) == nil
}
