//go:build race

package ring

// raceDetector says that the program runs under it: a data race on purpose would end it.
const raceDetector = true
