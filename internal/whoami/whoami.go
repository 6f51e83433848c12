// Package whoami is what a process says of itself in a participant table, for people to read, and of where it runs. All of it is from
// /proc; what is not to be had there is zero or empty.
package whoami

import (
	"bytes"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Command is this process's name, of at most 15 bytes.
func Command() string {
	if b, err := os.ReadFile("/proc/self/comm"); err == nil {
		return strings.TrimSpace(string(b))
	}
	return ""
}

// PIDNamespace is the inode of this process's pid namespace.
var PIDNamespace = sync.OnceValue(func() uint64 { return namespace("pid") })

// IPCNamespace is the inode of this process's namespace of System V objects and POSIX message queues.
var IPCNamespace = sync.OnceValue(func() uint64 { return namespace("ipc") })

func namespace(kind string) uint64 {
	link, err := os.Readlink("/proc/self/ns/" + kind) // "pid:[4026531836]"
	if err != nil {
		return 0
	}
	_, number, _ := strings.Cut(strings.TrimSuffix(link, "]"), "[")
	n, _ := strconv.ParseUint(number, 10, 64)
	return n
}

// Boot identifies the time since the host was booted: no two boots have the same.
var Boot = sync.OnceValue(func() (id [16]byte) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return id
	}
	digits, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(string(b)), "-", ""))
	if err != nil {
		return id
	}
	copy(id[:], digits)
	return id
})

// StartTime is when this process started, in clock ticks since boot.
func StartTime() uint64 {
	fields := statFields("self") // the start time is the 20th
	if len(fields) < 20 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[19], 10, 64)
	return n
}

// Stopped reports whether a process of this pid namespace is stopped by a signal or a debugger.
func Stopped(pid int) bool {
	fields := statFields(strconv.Itoa(pid))
	return len(fields) > 0 && (fields[0] == "T" || fields[0] == "t")
}

// statFields are the fields of a process's /proc/PID/stat behind the second, which is the name in parentheses and may hold anything.
func statFields(pid string) []string {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}
