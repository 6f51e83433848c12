// Package seam marks each access to shared memory that a crash or another process can fall between. The shipping build has
// nothing here: [On] is a constant false, and every call stands behind it. Under the build tag seam, a test sets [Hook] and so
// decides what happens at each mark: the step explorer switches to another process or ends this one, the crash matrix
// kills the process.
//
// A mark stands before the access that it names:
//
//	if seam.On {
//		seam.At(seam.ClaimWord, unsafe.Pointer(word))
//	}
//	ok := word.CompareAndSwap(free, claimed)
//
// so a process that is ended at a mark has made every access before it, and not this one.
package seam
