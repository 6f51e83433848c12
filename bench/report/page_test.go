package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

func pageFiles(t *testing.T, r *result.Report) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	require.NoError(t, HTML(dir, r))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(text)
	}
	return files
}

// requireSVG checks that a text is one well-formed SVG with a title and a description.
func requireSVG(t *testing.T, name, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var path, seen []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, name)
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			seen = append(seen, strings.Join(path, "/"))
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	require.Equal(t, "svg", seen[0], name)
	require.Contains(t, seen, "svg/title", name)
	require.Contains(t, seen, "svg/desc", name)
}

func TestHTML_WritesAPageThePlotsAndTheReport(t *testing.T) {
	r := fakeReport(t)
	files := pageFiles(t, r)
	for _, name := range []string{"index.html", "results.json", "throughput-busy.svg", "throughput-blocking.svg", "bandwidth-busy.svg",
		"round-trip-busy-percentiles.svg", "round-trip-blocking-percentiles.svg", "load-busy-64-b-p50.svg", "load-busy-64-b-p99.svg",
		"scaling-busy-64-b.svg", "idle-busy.svg", "idle-blocking.svg", "cpu-busy-64-b.svg", "first-blocking-64-b.svg"} {
		require.Contains(t, files, name)
	}
	for name := range files {
		require.False(t, strings.HasPrefix(name, "."), "%s was left", name)
	}
	var back result.Report
	require.NoError(t, json.Unmarshal([]byte(files["results.json"]), &back))
	require.Equal(t, *r, back)
}

func TestHTML_DrawsWellFormedPlotsOfAllContestants(t *testing.T) {
	files := pageFiles(t, fakeReport(t))
	plots := 0
	for name, text := range files {
		if strings.HasSuffix(name, ".svg") {
			plots++
			requireSVG(t, name, text)
			require.NotContains(t, text, "NaN", name)
			require.NotContains(t, text, "Inf", name)
		}
	}
	require.Equal(t, plots, strings.Count(files["index.html"], "<svg "), "each plot stands on the page")
	for _, name := range []string{"throughput-busy.svg", "bandwidth-blocking.svg", "round-trip-busy-percentiles.svg", "cpu-busy-64-b.svg", "idle-busy.svg"} {
		for _, c := range fakeContests {
			require.Contains(t, files[name], ">"+c.name+"</text>", name)
		}
	}
}

func TestHTML_NeedsNothingFromElsewhere(t *testing.T) {
	files := pageFiles(t, fakeReport(t))
	html := files["index.html"]
	for _, forbidden := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", "<use", "xlink"} {
		require.NotContains(t, html, forbidden)
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(html, -1) {
		target := m[1]
		if anchor, ok := strings.CutPrefix(target, "#"); ok {
			require.Contains(t, html, `id="`+anchor+`"`)
		} else {
			require.Contains(t, files, target, "a link leads to a file beside the page")
		}
	}
	without := strings.ReplaceAll(html, `xmlns="http://www.w3.org/2000/svg"`, "")
	require.NotContains(t, without, "://")
}

func TestHTML_EscapesWhatComesFromTheReport(t *testing.T) {
	r := fakeReport(t)
	const evil = `"><script>alert(1)</script>`
	r.Host.CPU, r.Plan.Command, r.Dirt = evil, evil, []string{evil}
	for i := range r.Trials {
		if r.Trials[i].Contestant == "pipe" {
			r.Trials[i].Contestant = evil
		}
	}
	r.Absent[0] = result.Absent{Contestant: evil, Why: "\x00 \x1b \xff"}
	files := pageFiles(t, r)
	require.NotContains(t, files["index.html"], "<script")
	require.Contains(t, files["index.html"], "alert(1)")
	requireSVG(t, "throughput-busy.svg", files["throughput-busy.svg"])
}

func TestHTML_HasABannerUnlessTheReportIsCleanAndWhole(t *testing.T) {
	r := fakeReport(t)
	require.NotContains(t, pageFiles(t, r)["index.html"], `class="banner"`)
	r.Dirt = []string{"a backup ran"}
	html := pageFiles(t, r)["index.html"]
	require.Contains(t, html, `class="banner"`)
	require.Contains(t, html, "<li>a backup ran</li>")
	require.NotContains(t, html, ">CLEAN<")
	r.Dirt, r.Complete, r.Trials = nil, false, r.Trials[:40]
	html = pageFiles(t, r)["index.html"]
	require.Contains(t, html, "<li>incomplete: interrupted in round 7 of 7</li>")
}

func TestHTML_ShowsAReportWithoutTrials(t *testing.T) {
	files := pageFiles(t, &result.Report{})
	require.Contains(t, files["index.html"], "There are no figures in this report.")
	require.Len(t, files, 2)
}

func TestHTML_IsTheSameForTheSameReport(t *testing.T) {
	first, second := pageFiles(t, fakeReport(t)), pageFiles(t, fakeReport(t))
	require.Len(t, second, len(first))
	for name, text := range first {
		require.True(t, text == second[name], "%s differs", name)
	}
}

func TestHTML_RejectsAFolderThatCannotBeMade(t *testing.T) {
	in := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(in, nil, 0o644))
	err := HTML(filepath.Join(in, "page"), nil) // it must say so before it looks at the report
	require.ErrorContains(t, err, "make the page's folder")
	require.ErrorContains(t, err, in)
	var path *fs.PathError
	require.ErrorAs(t, err, &path)
}

func TestHTML_RejectsAFolderThatTakesNoFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if f, err := os.CreateTemp(dir, ""); err == nil {
		require.NoError(t, f.Close())
		t.Skip("permissions do not bind this user")
	}
	require.ErrorIs(t, HTML(dir, nil), fs.ErrPermission)
}

func TestHTML_DrawsASingleFigure(t *testing.T) {
	files := pageFiles(t, &result.Report{Complete: true, Trials: []result.Trial{{Contestant: "pipe",
		Key: result.Key{Mode: result.Throughput, Wait: result.Busy, Size: 64}, Values: map[string]float64{result.MessagesPerSecond: 3.1e6}}}})
	requireSVG(t, "throughput-busy.svg", files["throughput-busy.svg"])
	require.Contains(t, files["throughput-busy.svg"], ">2 M/s</text>")
	require.NotContains(t, files["throughput-busy.svg"], "NaN")
}

func TestSVG_GivesEachTextItsWidth(t *testing.T) {
	b := newBook(fakeReport(t))
	for _, p := range b.parts(layouts[0]) {
		for _, f := range b.figures(p) {
			text, err := f.svg()
			require.NoError(t, err)
			require.Equal(t, bytes.Count(text, []byte("<text ")), bytes.Count(text, []byte("<text textLength=")))
		}
	}
}
