//go:build !((amd64 || arm64) && gc && !purego)

package prefetch

func block(uintptr) {}
func line(uintptr)  {}
func read(uintptr)  {}
