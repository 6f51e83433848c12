//go:build (amd64 || arm64) && gc && !purego

package prefetch

//go:noescape
func block(p uintptr)

//go:noescape
func line(p uintptr)

//go:noescape
func read(p uintptr)
