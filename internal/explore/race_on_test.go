//go:build seam && race

package explore

// raceDetector makes each step many times as slow.
const raceDetector = true
