//go:build seam

package seam

import "unsafe"

// On tells whether marks do anything.
const On = true

// Hook is called before each access, with the address of the word. Nil does nothing. It is set before anything runs.
var Hook func(Site, unsafe.Pointer)

// Fresh is called where an operation starts over and carries nothing but its arguments and the value given. Nil does nothing.
var Fresh func(Site)

// At is called before an access to the word at p.
func At(s Site, p unsafe.Pointer) {
	if h := Hook; h != nil {
		h(s, p)
	}
}

// Again is called at the top of a loop that starts an operation over, carrying nothing but the operation's arguments.
func Again(s Site) {
	if f := Fresh; f != nil {
		f(s)
	}
}
