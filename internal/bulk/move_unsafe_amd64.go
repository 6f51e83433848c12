//go:build gc && !purego && !race

package bulk

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

var better = cpu.X86.HasERMS

//go:noescape
func repMovsb(dst, src unsafe.Pointer, n uintptr)

func move(dst, src []byte) {
	repMovsb(unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src)), uintptr(len(src)))
}
