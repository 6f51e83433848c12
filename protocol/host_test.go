package protocol

import (
	"errors"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHostSupported_WantsWordsThatAreStoredInOnePiece(t *testing.T) {
	if bits.UintSize == 64 {
		require.NoError(t, HostSupported()) // all 64-bit hosts that Go tests run on here are little-endian
		return
	}
	require.ErrorIs(t, HostSupported(), errors.ErrUnsupported)
}
