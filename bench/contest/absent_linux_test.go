package contest

import (
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// absentVariable has a contestant run as on a kernel that was built without System V objects and POSIX queues.
const absentVariable = "SHMPIPE_TEST_ABSENT"

// statusNoFilter says that there can be no such kernel here.
const statusNoFilter = 77

func init() {
	if os.Getenv(absentVariable) != "" && withoutIPC() != nil {
		os.Exit(statusNoFilter)
	}
}

// withoutIPC has the calls that make such objects fail with ENOSYS, in this process and in those that it starts.
func withoutIPC() error {
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the number of the call
	for _, call := range []uint32{unix.SYS_SHMGET, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN} {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: unsafe.SliceData(filter)}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// The harness groups what is absent by its reason, so that must be the same in every trial: it names no pid.
func TestContestants_SayThatTheKernelLacksWhatTheyNeed(t *testing.T) {
	for _, name := range []string{
		"shmpipe-sysv", "shmpipe-mpmc-sysv", "shmpipe-sysv-mq", "shmpipe-posix-mq", "sysv-mq", "posix-mq", "mq-token", "sysv-sem",
	} {
		t.Run(name, func(t *testing.T) {
			out, said, status := run(t, []string{absentVariable + "=1"}, name, "thr", "64", "100")
			if status == statusNoFilter {
				t.Skip("no filter of system calls here")
			}
			require.Equal(t, 3, status, said)
			require.Empty(t, out)
			_, again, _ := run(t, []string{absentVariable + "=1"}, name, "thr", "64", "100")
			require.Equal(t, said, again)
			t.Log(said)
		})
	}
	_, said, status := run(t, []string{absentVariable + "=1"}, "shmpipe-memfd", "thr", "64", "100")
	require.Contains(t, []int{0, statusNoFilter}, status, said)
}
