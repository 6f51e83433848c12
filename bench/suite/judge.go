package suite

import (
	"cmp"
	"fmt"

	"shmpipe/bench/result"
)

// mostOthers is the share of the CPUs' time that something else takes in a clean run.
const mostOthers = 0.05

// judge says why the figures of a report are not clean. Tried is the share of the CPUs' time that something else took before the first round, when it was
// found out how many messages make a trial. The load average is not asked: it remembers an earlier run for a minute, and does not know whose it was.
func judge(rep *result.Report, tried float64) []string {
	var dirt []string
	say := func(format string, args ...any) { dirt = append(dirt, fmt.Sprintf(format, args...)) }
	if tried > mostOthers {
		say("something else took %.0f %% of the CPUs' time when the rates were tried", 100*tried)
	}
	var all, pinned worst
	unknown := 0
	for _, round := range rep.Rounds {
		if round.BusyUnknown {
			unknown++
		}
		if !all.note(round.Busy) { // one reason is enough
			pinned.note(round.BusyPinned)
		}
	}
	if all.rounds > 0 {
		say("in %d of %d rounds something else took more than %.0f %% of the CPUs' time, at worst %.0f %%", all.rounds, len(rep.Rounds), 100*mostOthers, 100*all.share)
	}
	if pinned.rounds > 0 {
		say("in %d of %d rounds something else took more than %.0f %% of the two CPUs that the contestants ran on, at worst %.0f %%", pinned.rounds, len(rep.Rounds), 100*mostOthers, 100*pinned.share)
	}
	if unknown > 0 {
		say("in %d of %d rounds a program hung and was killed, so it is not known what else used the CPUs", unknown, len(rep.Rounds))
	}
	if rep.Host.CPUs < 2 {
		say("there is one CPU: who spins keeps the other side from running")
		return dirt
	}
	near, far, nowhere := 0, 0, 0
	for _, t := range rep.Trials {
		if len(t.Values) == 0 {
			continue // it has no figure that the cores could have to do with
		}
		switch rep.CoresOf(t) {
		case result.Near:
			near++
		case result.Far:
			far++
		default:
			nowhere++
		}
	}
	if near > 0 && far > 0 {
		say("the processors moved: %d trials ran on cores that are near each other and %d on far ones; the tables keep them apart", near, far)
	}
	switch {
	case nowhere > 0 && near+far > 0:
		say("the raw round trip of a cache line was not measured (%s) around %d trials, so they are not in the tables of near and far cores", cmp.Or(rep.Host.FloorBy, "nothing could"), nowhere)
	case nowhere > 0:
		say("the raw round trip of a cache line was not measured (%s), so nobody knows how far apart the cores were", cmp.Or(rep.Host.FloorBy, "nothing could"))
	}
	return dirt
}

// worst is of those rounds in which something else took too much.
type worst struct {
	rounds int
	share  float64
}

func (w *worst) note(share float64) (tooMuch bool) {
	if share <= mostOthers {
		return false
	}
	w.rounds++
	w.share = max(w.share, share)
	return true
}
