//go:build seam && !race

package explore

const raceDetector = false
