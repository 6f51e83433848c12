package suite

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

func TestRun_SaysWhoTakesNoPartAndWhy(t *testing.T) {
	idle := script(t, "idle only", sound)
	idle.Modes = []string{result.Idle}
	twice := script(t, "a", sound)
	twice.Modes = []string{result.Crowd}
	r, err := Run(t.Context(), Settings{Plan: plan(result.Throughput), Catalogue: []Contestant{script(t, "a", sound), idle, twice}})
	require.NoError(t, err)
	require.Equal(t, []result.Absent{{Contestant: "idle only", Why: "the plan test has nothing that it takes part in: it does idle, and the plan thr"}}, r.Absent)
}

func TestRun_NamesEachOfThoseThatCannotTakePart(t *testing.T) {
	_, err := Run(t.Context(), Settings{Plan: plan(result.Throughput), Catalogue: []Contestant{{Name: "a", Absent: "no compiler"}, {Name: "b", Absent: "no library"}}})
	require.ErrorIs(t, err, ErrNobody)
	require.ErrorContains(t, err, "a: no compiler; b: no library")
}

func TestQuick_SaysWhomItLeavesOut(t *testing.T) {
	all := Catalogue("/self", Verbs{"one", "many"}, Dirs{})
	left := Quick().leftOut(all)
	require.Contains(t, left, "grpc")
	require.Contains(t, left, "vyukov-yield")
	require.NotContains(t, left, "pipe")
	require.Empty(t, Standard().leftOut(all))
	p := Quick()
	p.Contestants = []string{"pipe"}
	require.Empty(t, p.leftOut(all), "who chose himself knows")
}

func TestRun_KeepsTheSeedAndThePlan(t *testing.T) {
	p := plan(result.Throughput)
	p.Shapes, p.Channels = []string{"2x2"}, []int{16}
	r, err := Run(t.Context(), Settings{Plan: p, Catalogue: []Contestant{script(t, "a", sound)}, Command: "this"})
	require.NoError(t, err)
	require.NotZero(t, r.Plan.Seed)
	require.Equal(t, result.Plan{Name: "test", Sizes: p.Sizes, Rounds: 3, Command: "this", Seed: r.Plan.Seed, Each: p.Each, Limit: usualLimit, Modes: p.Modes, Shapes: p.Shapes,
		Channels: p.Channels}, r.Plan)
}
