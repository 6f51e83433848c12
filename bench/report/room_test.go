package report

import (
	"encoding/xml"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// Whoever has no font as narrow as ours, and does not obey a text's length, shall see whole labels: the widest take about 0.65 em a character.
func TestSVG_HasRoomForWiderFonts(t *testing.T) {
	r := fakeReport(t)
	for i := range r.Trials {
		if r.Trials[i].Contestant == "pipe" {
			r.Trials[i].Contestant = "pipe-with-a-name-too-long-for-it"
		}
	}
	for name, text := range pageFiles(t, r) {
		if !strings.HasSuffix(name, ".svg") {
			continue
		}
		d := xml.NewDecoder(strings.NewReader(text))
		for {
			token, err := d.Token()
			if err != nil {
				break
			}
			start, ok := token.(xml.StartElement)
			if !ok || start.Name.Local != "text" {
				continue
			}
			var x, size float64
			for _, a := range start.Attr {
				switch a.Name.Local {
				case "x":
					x, err = strconv.ParseFloat(a.Value, 64)
				case "style":
					_, after, _ := strings.Cut(a.Value, "font-size:")
					number, _, _ := strings.Cut(after, "px")
					size, err = strconv.ParseFloat(number, 64)
				}
				require.NoError(t, err, a.Value)
			}
			var label string
			require.NoError(t, d.DecodeElement(&label, &start))
			require.LessOrEqual(t, x+0.65*size*float64(utf8.RuneCountInString(label)), float64(figureWidth), "%s: %s", name, label)
		}
	}
}

func TestBars_HaveAPlaceForNothing(t *testing.T) {
	k := result.Key{Mode: result.Idle, Wait: result.Busy, Size: 64}
	r := &result.Report{Complete: true}
	for name, us := range map[string]float64{"shmpipe-posix": 0, "pipe": 200, "ring": 1e6} {
		r.Trials = append(r.Trials, result.Trial{Contestant: name, Key: k, Values: map[string]float64{result.IdleCPU: us}})
	}
	svg := pageFiles(t, r)["idle-busy-64-b.svg"]
	require.Contains(t, svg, ">shmpipe-posix</text>")
	require.Contains(t, svg, ">0 µs/s</text>")
	require.NotContains(t, svg, "NaN")
	require.NotContains(t, svg, "#-", "a colour of no number")
	require.NotContains(t, svg, "Inf")
	require.NotContains(t, svg, "measured once", "so was all else")
	r.Rounds = make([]result.Round, 7)
	require.Contains(t, pageFiles(t, r)["idle-busy-64-b.svg"], "; measured once")
	for i := range r.Trials {
		r.Trials[i].Values[result.IdleCPU] = 0
	}
	require.NotContains(t, terminalText(t, r, 0, false), "0*", "nobody is better than the others")
	require.Equal(t, 3, strings.Count(pageFiles(t, r)["idle-busy-64-b.svg"], ">0 µs/s</text>"))
}

func TestLoad_DoesNotRank(t *testing.T) {
	files := pageFiles(t, fakeReport(t))
	require.Contains(t, files, "load-busy-64-b-p99.svg")
	svg := files["load-busy-64-b-p50.svg"]
	require.Contains(t, svg, "in percent of what each contestant itself reaches")
	require.NotContains(t, svg, "is best")
	require.NotContains(t, files, "load-busy-64-b-rate.svg")
	text := terminalText(t, fakeReport(t), 0, false)
	_, load, _ := strings.Cut(text, "Latency under load, busy, 64 B, cores near\n")
	load, _, _ = strings.Cut(load, "\nLatency under load")
	require.Contains(t, load, "10 %, rate")
	require.NotContains(t, load, "*")
}
