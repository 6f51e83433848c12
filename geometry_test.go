//go:build linux

package shmpipe_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestCreate_RejectsAGeometryThatCannotBe(t *testing.T) {
	for what, geo := range map[string]shmpipe.Geometry{
		"negative capacity":           {Capacity: -1},
		"negative message limit":      {MaxMessage: -1},
		"negative rings":              {Rings: -1},
		"too many rings":              {Rings: 1025},
		"capacity beyond 2^40":        {Capacity: 1<<40 + 1},
		"message over half the ring":  {Capacity: 4096, MaxMessage: 2041},
		"one participant":             {Mode: shmpipe.MPMC, Participants: 1},
		"too many participants":       {Mode: shmpipe.MPMC, Participants: 256},
		"odd granule":                 {Mode: shmpipe.MPMC, Granule: 96},
		"small granule":               {Mode: shmpipe.MPMC, Granule: 32},
		"granule too large for it":    {Mode: shmpipe.MPMC, Granule: 1024, Capacity: 8192},
		"mode that nobody ever heard": {Mode: 77},
	} {
		t.Run(what, func(t *testing.T) {
			p, err := shmpipe.Create(shmtest.TempName(t), geo, nil)
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.Contains(t, err.Error(), shmtest.Prefix, "the error names the object")
			require.Nil(t, p)
		})
	}
}

func TestCreate_RejectsAnImpossibleName(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc/passwd", "nul\x00", "tab\t", "\xff", strings.Repeat("x", 300)} {
		for _, b := range backends {
			_, err := shmpipe.Create(name, shmpipe.Geometry{}, &shmpipe.Options{Backend: b})
			require.ErrorIs(t, err, fs.ErrInvalid, "create %q", name)
		}
		_, err := shmpipe.Open(name, nil)
		require.ErrorIs(t, err, fs.ErrInvalid, "open %q", name)
		require.ErrorIs(t, shmpipe.Remove(name, true, nil), fs.ErrInvalid, "remove %q", name)
	}
}

func TestCreate_RoundsTheCapacityAndFillsInDefaults(t *testing.T) {
	p := create(t, shmpipe.Geometry{Capacity: 5000}, shmpipe.Options{})
	info, err := p.Info()
	require.NoError(t, err)
	require.Equal(t, 8192, info.Capacity)
	require.Equal(t, 8192/2-8, info.MaxMessage)
	require.Equal(t, shmpipe.SPSC, info.Mode)
	require.Equal(t, 1, info.Rings)

	p = create(t, shmpipe.Geometry{}, shmpipe.Options{})
	info, err = p.Info()
	require.NoError(t, err)
	require.Equal(t, shmpipe.DefaultCapacity, info.Capacity)

	p = create(t, shmpipe.Geometry{Capacity: 1, MaxMessage: 1}, shmpipe.Options{})
	v := producer(t, p)
	require.Equal(t, 1, v.MaxMessage())
	require.NoError(t, v.TrySend([]byte("a")))
	require.Equal(t, shmpipe.ErrTooLarge, v.TrySend([]byte("ab")))
}

func TestCreate_RejectsAMadePermission(t *testing.T) {
	for _, perm := range []fs.FileMode{0o777, 0o400, 0o200, fs.ModeSetuid | 0o600} {
		_, err := shmpipe.Create(shmtest.TempName(t), shmpipe.Geometry{}, &shmpipe.Options{Perm: perm})
		require.ErrorIs(t, err, fs.ErrInvalid, "%v", perm)
	}
}

func TestCreate_SaysWhenTheNameIsTaken(t *testing.T) {
	for _, b := range []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV} {
		opts := shmpipe.Options{Backend: b}
		p := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
		_, err := shmpipe.Create(name(t, p), shmpipe.Geometry{Capacity: 4096}, &opts)
		require.ErrorIs(t, err, fs.ErrExist)
		require.Contains(t, err.Error(), name(t, p))
	}
}

func TestCreate_AnUnknownBackendIsAnError(t *testing.T) {
	_, err := shmpipe.Create(shmtest.TempName(t), shmpipe.Geometry{}, &shmpipe.Options{Backend: 99})
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = shmpipe.Open(shmtest.TempName(t), &shmpipe.Options{Backend: 99})
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestCreate_OfMoreThanThereIsFailsAtOnceAndLeavesNothing(t *testing.T) {
	name := shmtest.TempName(t)
	_, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 1 << 40}, nil)
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.ENOMEM) {
		t.Fatalf("got %v, want ENOSPC or ENOMEM", err)
	}
	_, err = shmpipe.Open(name, nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestParse_IsTheInverseOfString(t *testing.T) {
	for _, b := range backends {
		got, err := shmpipe.ParseBackend(b.String())
		require.NoError(t, err)
		require.Equal(t, b, got)
	}
	for _, w := range strategies {
		got, err := shmpipe.ParseWaitStrategy(w.String())
		require.NoError(t, err)
		require.Equal(t, w, got)
	}
	_, err := shmpipe.ParseBackend("carrier pigeon")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = shmpipe.ParseWaitStrategy("patiently")
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.Equal(t, "WaitStrategy(9)", shmpipe.WaitStrategy(9).String())
}
