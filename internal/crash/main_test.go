package crash_test

import (
	"os"
	"testing"

	"shmpipe/internal/shmtest"
)

// roles are what child processes of these tests do. Each file adds its own.
var roles = map[string]shmtest.Role{}

func TestMain(m *testing.M) { os.Exit(shmtest.Main(m, roles)) }
