//go:build linux

package soak_test

import (
	"os"
	"testing"

	"shmpipe/internal/shmtest"
)

func TestMain(m *testing.M) {
	os.Exit(shmtest.Main(m, map[string]shmtest.Role{"worker": roleWorker}))
}
