package suite

import (
	"fmt"
	"slices"
	"strings"

	"shmpipe/bench/result"
)

// leftOut are the contestants that a plan of ours leaves out: who names some himself knows whom he does not.
func (p Plan) leftOut(all []Contestant) (names []string) {
	if len(p.Contestants) == 0 || !slices.Equal(p.Contestants, Quick().Contestants) {
		return nil
	}
	for _, c := range all {
		if !slices.Contains(p.Contestants, c.Name) && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// missing are those of the chosen contestants that take no part, each with the reason: nobody disappears silently.
func missing(p Plan, chosen []*Contestant, groups []group) (absent []result.Absent) {
	var said []string
	for _, c := range chosen {
		takesPart := slices.ContainsFunc(groups, func(g group) bool {
			return slices.ContainsFunc(g.contestants, func(other *Contestant) bool { return other.Name == c.Name })
		})
		if takesPart || slices.Contains(said, c.Name) {
			continue
		}
		said = append(said, c.Name)
		why := c.Absent
		if why == "" {
			why = fmt.Sprintf("the plan %s has nothing that it takes part in: it does %s, and the plan %s", p.Name, strings.Join(modesOf(chosen, c.Name), ", "), strings.Join(p.Modes, ", "))
		}
		absent = append(absent, result.Absent{Contestant: c.Name, Why: why})
	}
	return absent
}

// modesOf are the modes of all that have a name: some take part in the crowd as well.
func modesOf(all []*Contestant, name string) (modes []string) {
	for _, mode := range allModes {
		if slices.ContainsFunc(all, func(c *Contestant) bool { return c.Name == name && c.has(mode) }) {
			modes = append(modes, mode)
		}
	}
	return modes
}

// nobody is the error of a plan in which no contestant takes part.
func nobody(absent []result.Absent) error {
	var why []string
	for _, a := range absent {
		why = append(why, a.Contestant+": "+a.Why)
	}
	return fmt.Errorf("%w: none of the contestants can take part here: %s", ErrNobody, strings.Join(why, "; "))
}
