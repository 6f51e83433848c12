// Package prefetch has the instruction that fetches a cache line for writing before it is written. Go has none for that.
//
// A store to a line that another core had last takes as long as the line takes to come, and a locked instruction waits for all
// stores before it. Who knows where it will write soon can have the lines come meanwhile, several at once.
//
// On amd64 and arm64 it is assembly. Elsewhere, and under the build tag purego, nothing happens: it is only a hint.
package prefetch

// BlockBytes is how much [Block] fetches.
const BlockBytes = 512

// Block fetches the lines of the BlockBytes from p on, to be written. It is a hint: it reads and changes nothing, and any address will
// do, also one where nothing is mapped.
func Block(p uintptr) { block(p) }

// Line fetches the line at p; otherwise it is as [Block].
func Line(p uintptr) { line(p) }

// Read is Line for a line that will be read.
func Read(p uintptr) { read(p) }
