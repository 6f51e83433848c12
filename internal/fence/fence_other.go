//go:build !linux

package fence

// Prepare does nothing: there are no endpoints on this system.
func Prepare() {}

// Registered is false here.
func Registered() bool { return false }

// Settled is true here.
func Settled() bool { return true }

// Process does nothing here.
func Process() {}

// Global does nothing here.
func Global() bool { return false }
