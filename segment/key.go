package segment

import (
	"fmt"
	"hash/fnv"
)

// Keys of SysV segments begin with this byte, so that a listing can leave other programs' segments alone: attaching to one
// only to look would disturb programs that count who is attached to theirs.
const (
	keyPrefix uint32 = 0x53 << 24
	keyMask   uint32 = 0xff << 24
)

// sysvKey makes the key from the name. Two names may share a key; the name in the header tells them apart, and the second one
// cannot be created while the first exists. It is a variable so that a test can make two names collide.
var sysvKey = func(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	sum := h.Sum32()
	return keyPrefix | (sum>>24^sum)&^keyMask
}

func sysvPath(key uint32) string { return fmt.Sprintf("sysv:%#08x", key) }
