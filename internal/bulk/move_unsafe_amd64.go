//go:build gc && !purego && !race && !asan && !msan

package bulk

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

var better = worthIt(cpuid.CPU.VendorID, cpuid.CPU.Family, cpuid.CPU.Supports(cpuid.ERMS))

// zen3And4 is the family of two generations of AMD that say they have enhanced REP MOVSB, and take up to twenty times as long as usual where
// destination and source lie unfavourably to each other (glibc bug 30994). Where they do not, the usual copy is still faster (docs/adr/0021-large-copies.md).
const zen3And4 = 0x19

func worthIt(vendor cpuid.Vendor, family int, enhanced bool) bool {
	return enhanced && !(vendor == cpuid.AMD && family == zen3And4)
}

//go:noescape
func repMovsb(dst, src unsafe.Pointer, n uintptr)

func move(dst, src []byte) {
	repMovsb(unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src)), uintptr(len(src)))
}
