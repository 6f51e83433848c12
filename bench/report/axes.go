package report

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
)

// byteAxis is logarithmic, with a tick for each size that was measured.
func byteAxis(all []series) axis {
	sizes := xs(all)
	a := axis{label: "size of a message", scale: plot.LogScale{}, min: 1, max: 2, left: true}
	if len(sizes) == 0 {
		return a
	}
	a.min, a.max = sizes[0]/1.25, sizes[len(sizes)-1]*1.25
	room := math.Log(a.max/a.min) / 14 // what a label takes
	last := math.Inf(-1)
	for _, s := range sizes {
		t := plot.Tick{Value: s}
		if math.Log(s)-last >= room {
			t.Label = sizeText(int(s))
			last = math.Log(s)
		}
		a.ticks = append(a.ticks, t)
	}
	return a
}

// loadAxis is in percent.
func loadAxis(all []series) axis {
	a := axis{label: "rate, in percent of what each contestant itself reaches", scale: plot.LinearScale{}, min: 0, max: 100}
	for _, v := range xs(all) {
		a.max = max(a.max, v)
		a.ticks = append(a.ticks, plot.Tick{Value: v, Label: strconv.Itoa(int(v)) + " %"})
	}
	return a
}

// nines is where a share stands on an axis with as much room for each further nine: 0, 0.9 and 0.99 are 0, 1 and 2.
func nines(share float64) float64 { return -math.Log10(1 - share) }

// ninesAxis is for percentiles.
func ninesAxis(all []series) axis {
	a := axis{label: "percentile", scale: plot.LinearScale{}, min: 0, max: 1}
	if list := xs(all); len(list) > 0 {
		a.max = max(1, list[len(list)-1])
	}
	for _, share := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999} {
		if nines(share) <= a.max+0.01 {
			label := strconv.FormatFloat(share*100, 'g', 7, 64) + " %"
			if share == 0 {
				label = "least"
			}
			a.ticks = append(a.ticks, plot.Tick{Value: nines(share), Label: label})
		}
	}
	return a
}

// xs are all places of points, once each and in order.
func xs(all []series) []float64 {
	var list []float64
	for _, s := range all {
		for _, p := range s.points {
			list = append(list, p.x)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
