package shmtest

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// SeedVariable is the environment variable that repeats a random test.
const SeedVariable = "TEST_SEED"

// Seed is the value of TEST_SEED, or else a new one, which is printed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv(SeedVariable); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("%s is %q, want a number", SeedVariable, s)
		}
		seed = n
	}
	t.Logf("%s=%d", SeedVariable, seed)
	return seed
}

// Rand is a source of random numbers that [Seed] starts.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	return NewRand(Seed(t))
}

// NewRand is the source of random numbers of a seed.
func NewRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }
