package bulk

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCopy_CopiesWhatItShallAndNothingElse(t *testing.T) {
	src := make([]byte, 3*Least)
	for i := range src {
		src[i] = byte(i*7 + i>>8)
	}
	const guard = 64
	for _, n := range []int{0, 1, 7, 8, 63, 64, 65, 4095, 4096, Least - 1, Least, Least + 1, 2*Least + 13} {
		for _, at := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {3, 5}, {8, 16}, {31, 33}} { // of dst, of src
			dst := bytes.Repeat([]byte{0xee}, guard+at[0]+n+guard)
			Copy(dst[guard+at[0]:], src[at[1]:at[1]+n])
			require.Equal(t, src[at[1]:at[1]+n], dst[guard+at[0]:][:n])
			require.Equal(t, bytes.Repeat([]byte{0xee}, guard+at[0]), dst[:guard+at[0]])
			require.Equal(t, bytes.Repeat([]byte{0xee}, guard), dst[guard+at[0]+n:])
		}
	}
}

func TestCopy_PanicsIfTheDestinationIsTooShort(t *testing.T) {
	require.Panics(t, func() { Copy(make([]byte, 9), make([]byte, 10)) })
}

func BenchmarkCopy(b *testing.B) {
	dst, src := make([]byte, 64<<10), make([]byte, 64<<10)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		Copy(dst, src)
	}
}
