package result

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLatencies_KnownPercentilesAndMerge(t *testing.T) {
	low, high := NewLatencies(), NewLatencies()
	for i := range uint64(1000) {
		low.Record(i + 1)
		high.Record(i + 1001)
	}
	require.EqualValues(t, 1000, low.Count())
	require.InEpsilon(t, 500.5, low.Mean(), 0.001)
	a, err := low.Encode()
	require.NoError(t, err)
	b, err := high.Encode()
	require.NoError(t, err)

	p, err := Percentiles(a, 50, 90, 99, 99.9, 100)
	require.NoError(t, err)
	for i, want := range []float64{500, 900, 990, 999, 1000} {
		require.InEpsilon(t, want, p[i], 0.002)
	}
	both, err := Merge(a, "", b)
	require.NoError(t, err)
	p, err = Percentiles(both, 50, 75, 100)
	require.NoError(t, err)
	for i, want := range []float64{1000, 1500, 2000} {
		require.InEpsilon(t, want, p[i], 0.002)
	}
}

func TestLatencies_Ends(t *testing.T) {
	l := NewLatencies()
	require.Zero(t, l.Percentile(99))
	require.Zero(t, l.Mean())
	l.Record(0)
	l.Record(1 << 63)
	require.EqualValues(t, 2, l.Count(), "one that took longer than an hour is not lost")
	require.InEpsilon(t, float64(time.Hour), l.Percentile(100), 0.002)
	text, err := Merge("", "")
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = Merge("no histogram")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = Percentiles("", 50)
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestReport_ComesBackAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.json")
	r := &Report{Schema: Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Complete: true, Dirt: []string{"a backup ran"},
		Plan: Plan{Name: "quick", Sizes: []int{8, 64}, Rounds: 3, Contestants: []string{"a"}, Seed: 1 << 63, Each: time.Second, Modes: []string{Crowd}}, Rounds: []Round{{FloorBefore: 90, FloorAfter: 95, Busy: 0.01}},
		Trials: []Trial{made("a", Key{Mode: Crowd, Wait: Busy, Size: 64, Shape: "2x2"}, 0, 95, 1e6)}, Absent: []Absent{{"zmq", "not built"}}}
	require.NoError(t, r.Write(path))
	r.Ended = r.Started.Add(time.Hour)
	require.NoError(t, r.Write(path), "over an older one")
	back, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, r, back)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing temporary is left")
}

func TestReport_WriteThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "report.json", "full"), 0o755))
	require.Error(t, (&Report{}).Write(filepath.Join(dir, "report.json")))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.ErrorIs(t, (&Report{}).Write(filepath.Join(dir, "nowhere", "report.json")), fs.ErrNotExist)
}

// Root, who can replace /dev/null by a file, would.
func TestReport_IsWrittenToWhatIsNoFile(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink("/dev/fd/"+strconv.Itoa(int(w.Fd())), link))
	report := &Report{Schema: Schema, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	if err := report.Write(link); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no /dev/fd")
	} else {
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Contains(t, string(text), "2026-01-02T03:04:05Z")
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
}

func TestReport_ReplacesTheFileAndNotTheLinkToIt(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	require.NoError(t, os.Symlink("file", link))
	require.NoError(t, (&Report{Schema: Schema}).Write(link))
	_, err := Read(file)
	require.NoError(t, err)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
}

func TestRead_RefusesWhatIsNoReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	_, err := Read(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, text := range []string{"", "{", "[1]", "{}", `{"schema": 2}`, `{"schema": 1, "trials": [{"values": {"p50_ns": -1}}]}`,
		`{"schema": 1, "trials": [{"values": {"p50_ns": 1e308}}]}`, `{"schema": 1, "trials": [{"values": {"p50_ns": 1e999}}]}`} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		_, err = Read(path)
		require.ErrorIs(t, err, fs.ErrInvalid, text)
	}
}

func TestJSON_HasEmptyListsAndNoNulls(t *testing.T) {
	text, err := (&Report{}).JSON()
	require.NoError(t, err)
	require.NotContains(t, string(text), "null")
	require.Contains(t, string(text), `"dirt": []`)
	require.Contains(t, string(text), `"trials": []`)
}
