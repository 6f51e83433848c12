package main

// pause runs PAUSE n times. n is at least one.
//
//go:noescape
func pause(n uint32)

// ticks reads the time-stamp counter. Its unit is found by reading the clock around the whole run.
//
//go:noescape
func ticks() uint64
