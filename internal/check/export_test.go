package check

import (
	"testing"
	"time"
)

// SetPatience changes, for a test, how long a frame must have kept others waiting.
func SetPatience(t testing.TB, d time.Duration) {
	before := patience
	patience = d
	t.Cleanup(func() { patience = before })
}
