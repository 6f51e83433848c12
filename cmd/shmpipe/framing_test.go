package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// split returns copies of all messages, and the error that ended them.
func split(r io.Reader, cut cutter, limit, most int) (all []string, err error) {
	s := newSplitter(r, cut, limit, most)
	for {
		msgs, err := s.next()
		if err != nil {
			return all, err
		}
		for _, m := range msgs {
			all = append(all, string(m))
		}
	}
}

func TestSplitter_CutsLinesAsTheyCome(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"a\nbc", []string{"a", "bc"}},
		{"\n\na\n", []string{"", "", "a"}},
		{"a\r\n", []string{"a\r"}},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			got, err := split(r, cutLine, 100, 2)
			require.Equal(t, io.EOF, err, "%q", c.in)
			require.Equal(t, c.want, got, "%q", c.in)
		}
	}
}

func TestSplitter_TakesLinesUpToTheLimitAndLongerThanItsFirstBuffer(t *testing.T) {
	const limit = 1 << 20
	exact := strings.Repeat("x", limit)
	got, err := split(strings.NewReader("a\n"+exact+"\nb\n"), cutLine, limit, 64)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []string{"a", exact, "b"}, got)
}

func TestSplitter_NamesALineThatIsTooLong(t *testing.T) {
	for _, c := range []struct{ name, in string }{
		{"ends", "a\n" + strings.Repeat("x", 5000) + "\nb\n"},
		{"ends far away", "a\n" + strings.Repeat("x", 1<<20) + "\nb\n"},
		{"ends with the input", "a\n" + strings.Repeat("x", 300_000)},
	} {
		line, _, _ := strings.Cut(c.in[2:], "\n")
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.HalfReader(strings.NewReader(c.in))} {
			got, err := split(r, cutLine, 100, 64)
			require.Equal(t, []string{"a"}, got, c.name)
			var l *longLine
			require.ErrorAs(t, err, &l, c.name)
			require.Equal(t, uint64(2), l.line, c.name)
			require.Equal(t, uint64(len(line)), l.length, c.name)
			require.Contains(t, err.Error(), "at most 100", c.name)
		}
	}
}

func TestSplitter_ReturnsWhatCameBeforeAReadError(t *testing.T) {
	broken := errors.New("broken")
	got, err := split(io.MultiReader(strings.NewReader("a\nb\nhalf"), iotest.ErrReader(broken)), cutLine, 100, 64)
	require.ErrorIs(t, err, broken)
	require.Equal(t, []string{"a", "b"}, got)
}

func TestSplitter_RefusesPrefixedInputThatIsCutShort(t *testing.T) {
	whole := binary.LittleEndian.AppendUint32(nil, 5)
	whole = append(whole, "hello"...)
	whole = append(whole, 3, 0, 0, 0, 'a', 'b', 'c')
	got, err := split(bytes.NewReader(whole), cutPrefixed, 100, 64)
	require.Equal(t, io.EOF, err)
	require.Equal(t, []string{"hello", "abc"}, got)
	for n := 10; n < len(whole); n++ {
		got, err := split(bytes.NewReader(whole[:n]), cutPrefixed, 100, 64)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Contains(t, err.Error(), "message 2")
		require.Equal(t, []string{"hello"}, got)
	}
	_, err = split(bytes.NewReader(whole), cutPrefixed, 4, 64)
	require.ErrorContains(t, err, "message 1 has 5 bytes by its prefix, a message of this segment at most 4")
}

func TestSink_AndSplitterAreInverse(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var want []string
	for range 500 {
		b := make([]byte, r.IntN(300))
		if r.IntN(100) == 0 {
			b = make([]byte, gatherMost+r.IntN(3)-1)
		}
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		want = append(want, string(b))
	}
	for _, buffer := range []int{0, 16, 4096, 1 << 20} {
		for framing, cut := range map[string]cutter{framingLines: cutLine, framingPrefixed: cutPrefixed} {
			var out bytes.Buffer
			s := &sink{w: &out, framing: framing, limit: buffer}
			for _, m := range want {
				require.NoError(t, s.put([]byte(m)))
			}
			require.NoError(t, s.flush())
			got, err := split(iotest.HalfReader(&out), cut, 1<<20, 1+r.IntN(100))
			require.Equal(t, io.EOF, err)
			require.Equal(t, want, got, "%s, buffer of %d", framing, buffer)
		}
		var out bytes.Buffer
		s := &sink{w: &out, framing: framingRaw, limit: buffer}
		for _, m := range want {
			require.NoError(t, s.put([]byte(m)))
		}
		require.NoError(t, s.flush())
		require.Equal(t, strings.Join(want, ""), out.String())
	}
}

func TestSink_WithoutBufferHasWrittenAMessageWhenPutReturns(t *testing.T) {
	for _, framing := range []string{framingRaw, framingLines, framingPrefixed} {
		var out bytes.Buffer
		s := &sink{w: &out, framing: framing}
		require.NoError(t, s.put([]byte("message")))
		require.Contains(t, out.String(), "message")
	}
}

func FuzzSplitter_Prefixed(f *testing.F) {
	f.Add([]byte{5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}, 64)
	f.Add([]byte{255, 255, 255, 255}, 1)
	f.Add([]byte{0, 0, 0, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, in []byte, most int) {
		most = max(1, min(most, 1000))
		got, err := split(iotest.HalfReader(bytes.NewReader(in)), cutPrefixed, 1000, most)
		// What was cut, framed again, is the beginning of the input; all of it if the input ended well.
		var out []byte
		for _, m := range got {
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(m))), m...)
		}
		require.True(t, bytes.HasPrefix(in, out))
		require.Error(t, err)
		require.Equal(t, err == io.EOF, len(out) == len(in))
	})
}
