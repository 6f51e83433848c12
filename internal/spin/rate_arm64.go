//go:build gc && !purego

package spin

//go:noescape
func frequency() uint64

// ticksPerMicrosecond believes the register: the firmware sets it, 1 MHz to 1 GHz by the architecture. Low rates round down, by
// at most one part in 24 on the usual counters.
func ticksPerMicrosecond() uint64 {
	f := frequency()
	if f < 1e6 || f > 1e11 {
		return saneTicksPerMicrosecond
	}
	return f / 1e6
}
