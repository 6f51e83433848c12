package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecent_KnowsEachNumberOfItsWindow(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	const window = 3 * chunkNumbers
	set, want := newRecent(window), make(map[uint64]bool)
	newest := uint64(0)
	for range 200_000 {
		n := newest + r.Uint64N(5)
		if back := r.Uint64N(window); r.IntN(4) == 0 && back <= n {
			n -= back
		}
		newest = max(newest, n)
		require.Equal(t, want[n], set.add(n), "number %d, newest %d", n, newest)
		want[n] = true
	}
}

func TestRecent_StaysSmall(t *testing.T) {
	set := newRecent(10_000)
	for n := range uint64(10_000_000) {
		set.add(n)
	}
	require.LessOrEqual(t, len(set.chunks), 10_000/chunkNumbers+3)
	require.True(t, set.add(9_990_000))
}
