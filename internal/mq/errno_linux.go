package mq

import "golang.org/x/sys/unix"

const (
	errInvalid      = unix.EINVAL
	errTooManyFiles = unix.EMFILE
	errNoSpace      = unix.ENOSPC
)

func queueLimit() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &l); err != nil {
		return 0, err
	}
	return l.Cur, nil
}

// privileged reports whether this process has CAP_SYS_RESOURCE.
func privileged() bool {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var d [2]unix.CapUserData
	return unix.Capget(&h, &d[0]) == nil && d[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}
