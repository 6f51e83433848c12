//go:build gc && !purego && (amd64 || arm64)

package spin

//go:noescape
func pause(n uint32)

//go:noescape
func ticks() uint64
