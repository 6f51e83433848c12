//go:build !amd64 || !gc || purego || race || asan || msan

package bulk

const better = false

func move(dst, src []byte) { copy(dst, src) }
