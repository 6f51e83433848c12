package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSize_ReadsUnitsAndPlainNumbers(t *testing.T) {
	for text, want := range map[string]size{
		"0": 0, "512": 512, "64KiB": 64 << 10, "64kib": 64 << 10, "1MiB": 1 << 20, "1.5MiB": 3 << 19, "2 GiB": 2 << 30, "10kB": 10_000,
	} {
		var s size
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, s, text)
	}
}

func TestSize_NamesAValueThatIsNone(t *testing.T) {
	for _, text := range []string{"", "x", "-1", "1,000", "64parsecs", "KiB", "99999999999999999999", "16EiB", "NaN", "1e400"} {
		s := size(7)
		err := s.Set(text)
		require.ErrorContains(t, err, `"`+text+`"`)
		require.Equal(t, size(7), s, "an error changes nothing")
	}
}

func TestSize_PrintsWhatItReads(t *testing.T) {
	for n, want := range map[size]string{0: "0", 511: "511", 4096: "4KiB", 1 << 20: "1MiB", 3 << 30: "3GiB", 1<<20 + 1: "1048577"} {
		require.Equal(t, want, n.String())
		var back size
		require.NoError(t, back.Set(n.String()))
		require.Equal(t, n, back)
	}
}

func TestPerm_IsOctal(t *testing.T) {
	var p perm
	require.NoError(t, p.Set("0660"))
	require.Equal(t, perm(0o660), p)
	require.Equal(t, "0660", p.String())
	for _, text := range []string{"", "8", "rw", "1777", "-1"} {
		require.ErrorContains(t, p.Set(text), `"`+text+`"`)
	}
}

func TestPrintable_DisarmsWhatATerminalWouldObey(t *testing.T) {
	require.Equal(t, "?[31mred?[0m", printable("\x1b[31mred\x1b[0m"))
	require.Equal(t, "a?b", printable("a\u202eb"))
	require.Equal(t, "naïve 名", printable("naïve 名"))
	require.Equal(t, "bad?", printable("bad\xff"))
}
