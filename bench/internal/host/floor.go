package host

// NearBelow is the raw round trip, in nanoseconds, below which two cores are taken to share a cache.
const NearBelow = 220

// Floor is what [MeasureFloor] finds; 0 if it cannot be measured, such as on one CPU.
func Floor() float64 {
	ns, err := MeasureFloor()
	if err != nil {
		return 0
	}
	return ns
}
