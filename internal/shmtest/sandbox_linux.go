package shmtest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SandboxVariable, if set, has [Main] forbid this process and its children what some containers and old kernels do not have.
const SandboxVariable = "SHMPIPE_TEST_SANDBOX"

// forbidden are the system calls that this module can do without.
var forbidden = [...]uint32{unix.SYS_FUTEX_WAITV, unix.SYS_MEMBARRIER, unix.SYS_PIDFD_OPEN}

// enterSandbox makes the forbidden calls fail with EPERM in all threads of this process.
func enterSandbox() error {
	runtime.LockOSThread() // the flag goes to the calling thread, and the filter then to all
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the number of the system call
	for i, call := range forbidden {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(forbidden) - i)})
	}
	program = append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("install filter: %w", errno)
	}
	return nil
}

// exitNoSandbox is the exit code of a process that could not enter the sandbox.
const exitNoSandbox = 77

// NeedSandbox skips the test where no sandbox can be put up, for tests that have but one process in it.
func NeedSandbox(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("path of the test binary: %v", err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), SandboxVariable+"=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitNoSandbox {
		t.Skipf("no sandbox here: %s", out)
	}
	if err != nil {
		t.Fatalf("in the sandbox: %v\n%s", err, out)
	}
}

// InSandbox runs tests of this binary again, in a sandbox: those whose names match.
func InSandbox(t *testing.T, pattern string) {
	t.Helper()
	if os.Getenv(SandboxVariable) != "" {
		t.Skip("this is the sandbox")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("path of the test binary: %v", err)
	}
	cmd := exec.Command(self, "-test.run="+pattern, "-test.short", "-test.timeout=90s")
	cmd.Env = append(os.Environ(), SandboxVariable+"=1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitNoSandbox {
		t.Skipf("no sandbox here: %s", out)
	}
	if err != nil {
		t.Fatalf("in the sandbox: %v\n%s", err, out)
	}
}
