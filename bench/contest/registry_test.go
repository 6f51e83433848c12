package contest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRegistry_DescribesEveryContestant(t *testing.T) {
	for _, name := range Names() {
		transport, ok := Find(name)
		require.True(t, ok, name)
		require.NotNil(t, transport, name)
		require.NotEmpty(t, Describe(name), name)
		require.NotContains(t, Describe(name), "\n", name)
		require.NotEmpty(t, Modes(name), name)
		require.GreaterOrEqual(t, Limits(name), 0, name)
	}
}

func TestRegistry_KnowsNobodyElse(t *testing.T) {
	_, ok := Find("nobody")
	require.False(t, ok)
	require.Empty(t, Describe("nobody"))
	require.Nil(t, Modes("nobody"))
	require.Zero(t, Limits("nobody"))
}
