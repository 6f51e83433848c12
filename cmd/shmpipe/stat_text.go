package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"shmpipe"
)

func statText(v segmentInfo) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", key, printable(fmt.Sprintf(format, args...)))
	}
	line("name", "%s", v.Name)
	line("path", "%s (%s)", v.Path, v.Backend)
	line("uuid", "%s", v.UUID)
	if v.Protocol != "" {
		line("protocol", "%s", v.Protocol)
	}
	line("mode", "%s, %s", v.Mode, plural(uint64(v.Rings), "ring"))
	line("capacity", "%s (%s bytes), messages of at most %s bytes", bytesText(uint64(v.Capacity)), grouped(uint64(v.Capacity)), grouped(uint64(v.MaxMessage)))
	if v.Granule > 0 {
		line("granule", "%s bytes", grouped(uint64(v.Granule)))
	}
	if v.Size > 0 {
		line("size", "%s", bytesText(uint64(v.Size)))
	}
	if v.Fragmented {
		line("fragments", "yes: messages larger than the queue's own go in parts")
	}
	line("why", "%s", v.Explain)
	line("created", "%s, %s ago", v.Created.Format(time.RFC3339), age(v.Created))
	if v.Transient {
		line("transient", "yes: it goes when it is drained and the last participant leaves")
	}
	if v.OnConsumerDeath == shmpipe.Drop.String() {
		line("policy", "drop: a message that a consumer had in hand when it died is lost")
	}
	w.Flush()
	for i, s := range v.Stats {
		fmt.Fprintf(&b, "\nring %d\n", i)
		ringText(&b, v, i, s)
	}
	return b.String()
}

func ringText(b *strings.Builder, v segmentInfo, ring int, s ringStats) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", key, printable(fmt.Sprintf(format, args...)))
	}
	many := v.Mode == shmpipe.MPMC.String()
	participantLines(line, v, ring, many)
	line("sent", "%s, %s bytes", plural(s.Sent, "message"), grouped(s.SentBytes))
	line("received", "%s, %s bytes", plural(s.Received, "message"), grouped(s.ReceivedBytes))
	line("backlog", "%s of %s (%.0f %%)", bytesText(s.Backlog), bytesText(s.Capacity), 100*float64(s.Backlog)/float64(max(s.Capacity, 1)))
	line("redelivered", "%s", grouped(s.Redelivered))
	if s.Dropped > 0 || v.OnConsumerDeath == shmpipe.Drop.String() {
		line("dropped", "%s", grouped(s.Dropped))
	}
	line("aborted claims", "%s", grouped(s.Aborted))
	if s.Reaped > 0 {
		line("found dead", "%s, with %s and %s in hand", plural(s.Reaped, "participant"), plural(s.Abandoned, "claim"), plural(s.Recovered, "frame"))
	}
	if s.RecoveryTime > 0 {
		line("recovery", "took %v, the longest %v", s.RecoveryTime.Round(time.Microsecond), s.RecoveryLongest.Round(time.Microsecond))
	}
	line("waits", "%s for space, %s for messages", grouped(s.ProducerWaits), grouped(s.ConsumerWaits))
	line("sleeps", "%s for space, %s for messages", grouped(s.ProducerParks), grouped(s.ConsumerParks))
	if many {
		line("wake-ups", "%s of consumers, %s of producers", grouped(s.ProducerWakes), grouped(s.ConsumerWakes))
	} else {
		line("wake-ups", "%s of the consumer, %s of the producer", grouped(s.ProducerWakes), grouped(s.ConsumerWakes))
	}
	if s.Poisoned {
		line("broken", "yes: see `shmpipe check %s`", v.Name)
	}
	w.Flush()
}

// participantLines has a line for each participant, producers first, and for each that holds others up.
func participantLines(line func(key, format string, args ...any), v segmentInfo, ring int, many bool) {
	used := 0
	for _, role := range [...]string{"producer", "consumer"} {
		for _, p := range v.Participants {
			if p.Ring != ring || p.Role != role {
				continue
			}
			if p.State == "never" {
				line(p.Role, "nobody yet")
				continue
			}
			used++
			which := ""
			if !many { // places are taken now by this one and now by that one
				which = fmt.Sprintf(", the %s to come", ordinal(p.Epoch))
			}
			line(p.Role, "%s%s, pid %d (%s), attached %s%s", p.State, stoppedText(p.Stopped), p.PID, p.Command, p.Attached.Format(time.RFC3339), which)
		}
	}
	if many && v.Places > 0 {
		line("places", "%d, of which %d have been used", v.Places, used)
	}
	for _, b := range v.Blocking {
		if b.Ring == ring {
			line("blocked by", "%v", b)
		}
	}
}

func ordinal(n uint64) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return grouped(n) + suffix
}
