//go:build !linux

package futex

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOtherSystems_AreUnsupported(t *testing.T) {
	word := new(uint32)
	_, err := Wake(word, 1)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, Wait(word, 0, 0), errors.ErrUnsupported)
	require.ErrorIs(t, WaitAny([]Word{{Addr: word}}, 0), errors.ErrUnsupported)
	require.False(t, HasWaitv())
	g := NewGate(word, new(uint32))
	require.ErrorIs(t, g.Sleep(g.Prepare(), 0, nil), errors.ErrUnsupported)
}
