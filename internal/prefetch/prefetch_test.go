package prefetch

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrefetch_ChangesNothingAndFaultsNowhere(t *testing.T) {
	b := make([]byte, 2*BlockBytes)
	for i := range b {
		b[i] = byte(i * 7)
	}
	start := reflect.ValueOf(b).Pointer()
	for i := range BlockBytes { // also where no line begins
		Block(start + uintptr(i))
		Line(start + uintptr(i))
		Read(start + uintptr(i))
	}
	for i := range b {
		require.Equal(t, byte(i*7), b[i])
	}
	last := start + uintptr(len(b)) - 1 // what is behind it may be mapped or not
	Block(last)
	Line(last)
	Read(last)
	Block(0) // where nothing is mapped
	Line(0)
	Read(0)
}
