//go:build !linux

package shmtest

import "errors"

// SandboxVariable is of no use on this system.
const SandboxVariable = "SHMPIPE_TEST_SANDBOX"

const exitNoSandbox = 77

func enterSandbox() error { return errors.ErrUnsupported }
