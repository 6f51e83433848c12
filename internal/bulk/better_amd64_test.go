//go:build gc && !purego && !race && !asan && !msan

package bulk

import (
	"testing"

	"github.com/klauspost/cpuid/v2"
	"github.com/stretchr/testify/require"
)

func TestBetter_IsNotBelievedOfProcessorsKnownToBeSlow(t *testing.T) {
	require.True(t, worthIt(cpuid.Intel, 6, true))
	require.True(t, worthIt(cpuid.AMD, 0x1a, true))
	require.True(t, worthIt(cpuid.Intel, zen3And4, true))
	require.False(t, worthIt(cpuid.AMD, zen3And4, true))
	require.False(t, worthIt(cpuid.Intel, 6, false))
}
