//go:build seam

package explore

const (
	producerFile = "mpmc_producer.go"
	consumerFile = "mpmc_consumer.go"
	orphanFile   = "mpmc_orphan_unsafe.go"
	recoverFile  = "mpmc_recover.go"
	releaseFile  = "mpmc_release_unsafe.go"
	memoryFile   = "mpmc_memory_unsafe.go"
	batchFile    = "mpmc_batch.go"
	lookFile     = "mpmc_look.go"
)

// mutants break one rule each.
func mutants() []mutant {
	return []mutant{
		// Claiming.
		one("inner words are not looked at", "laps", producerFile,
			"for i := uint64(1); i < run; i++ {", "for i := run; i < run; i++ {"),
		one("padding does not look at inner words", "wide-padding", producerFile,
			"p.restIsFree(pos, run, free); o", "p.restIsFree(pos, map[seam.Site]uint64{seam.ClaimWord: run}[site], free); o"),
		one("a claim does not compare", "three-producers", producerFile,
			"} else if p.swap(seam.ClaimWord, place, free, free|p.claimOne) {", "} else if p.give(seam.ClaimWord, place, free|p.claimOne); true {"),
		one("a claim of several granules does not compare", "two-deaths-large-frames", producerFile,
			"if !p.swap(site, p.place, free, to) {", "if p.give(site, p.place, to); false {"),
		one("a producer that lags waits", "three-producers", producerFile,
			"\t\tp.next = pos + 1\n\tdefault:", "\t\treturn Full\n\tdefault:"),
		one("a producer does not step behind a frame, but into it", "three-producers", producerFile,
			"p.next = pos + w.Span()", "p.next = pos + 1"),
		one("laps are compared without regard to their wrap", "lap-wrap", producerFile,
			"switch ahead := int32(w.Lap() - p.lap(pos)); {", "switch ahead := int64(w.Lap()) - int64(p.lap(pos)); {"),
		one("a message is committed before it is written", "drop", producerFile,
			"\tp.write(addrAt(p.data, at), msg, typ)\n\treturn p.commit(pos, span, 1, n)",
			"\to = p.commit(pos, span, 1, n)\n\tp.write(addrAt(p.data, at), msg, typ)\n\treturn o"),
		one("a batch is committed before it is written", "leave-batch", batchFile,
			"\tfor _, msg := range msgs {\n\t\tp.write(", "\tp.commit(pos, span, 0, 0)\n\tfor _, msg := range msgs {\n\t\tp.write("),
		one("an abort frees", "aborts", producerFile,
			"p.give(seam.AbortWord, p.place, from.With(0, protocol.WordAbandoned))", "p.give(seam.AbortWord, p.place, protocol.FreeWord(from.Lap()+1))"),
		one("an abort commits", "aborts", producerFile,
			"p.give(seam.AbortWord, p.place, from.With(0, protocol.WordAbandoned))", "p.give(seam.AbortWord, p.place, from.With(0, protocol.WordCommitted))"),

		// Hints.
		one("a hint is beyond the frame", "laps", memoryFile,
			"hint.CompareAndSwap(h, behind)", "hint.CompareAndSwap(h, behind+1)"),
		one("a hint is moved for a frame that is not claimed yet", "three-producers", producerFile,
			"} else if p.swap(seam.ClaimWord, place,", "} else if p.passed(seam.ClaimTail, p.tail, pos, pos+1); p.swap(seam.ClaimWord, place,"),
		one("a hint is moved for a frame of several granules that is not claimed yet", "two-deaths-large-frames", producerFile,
			"if !p.swap(site, p.place, free, to) {", "if p.passed(seam.ClaimTail, p.tail, pos, pos+run); !p.swap(site, p.place, free, to) {"),

		// Taking.
		one("a take does not compare", "drop", consumerFile,
			"protocol.WordTaken); c.swap(seam.TakeWord, word, w, mine) {", "protocol.WordTaken); c.mem.Fenced || !c.mem.Fenced {\n\t\t\t\tc.give(seam.TakeWord, word, mine)"),
		one("a skip does not compare", "aborts", consumerFile,
			"if !c.swap(seam.SkipWord, word, w, mine) {", "if c.give(seam.SkipWord, word, mine); false {"),
		one("a claim is passed over", "three-producers", consumerFile,
			"\tcase protocol.WordClaimed:\n\t\tc.blocker = w\n\t\treturn pos, c.nothing()\n", ""),
		one("a consumer that lags waits", "drop", consumerFile,
			"\t\treturn pos + 1, Done", "\t\treturn pos, Empty"),
		one("a consumer compares laps without regard to their wrap", "lap-wrap", consumerFile,
			"ahead := int32(w.Lap() - c.lap(pos))", "ahead := int64(w.Lap()) - int64(c.lap(pos))"),
		{"what is abandoned is delivered", "aborts", consumerFile, []edit{
			{"if w.Lap() == lap && c.isFrame(w, pos&c.mask) {", "if w.Lap() == lap && (c.isFrame(w, pos&c.mask) || w.State() == protocol.WordAbandoned) {"},
		}},
		one("a look says that there is nothing where there is an orphan", "looks", lookFile,
			"if c.hand.is(handAgain) || c.orphans.Load() != c.seen {", "if c.hand.is(handAgain) {"),

		one("a look passes over a claim", "looks", lookFile,
			"\t\tcase protocol.WordClaimed:\n\t\t\tc.blocker = w\n\t\t\treturn Empty\n", ""),
		one("a look passes over what is abandoned", "looks", lookFile,
			"case protocol.WordCommitted, protocol.WordAbandoned:", "case protocol.WordCommitted:"),

		// Draining.
		one("a drain does not wait for what is in use", "drains", lookFile,
			"p.lap(p.drainAt)) > 0 {", "p.lap(p.drainAt)) >= 0 {"),
		one("a drain looks at the last granule only", "drains", lookFile,
			"p.drainTo - min(p.drainTo, p.mask+1)", "p.drainTo - min(p.drainTo, 1)"),
		one("a drain does not look for the tail", "drains", lookFile,
			"\t\tif _, o := p.findTail(); o != Empty {", "\t\tif o := Done; o != Empty {"),

		// Releasing.
		{"the first word is freed first", "laps", releaseFile, []edit{
			{"\t\tc.stamp(seam.ReleaseInner, index, w.Span(), w.Lap())\n", ""},
			{"\tif c.sleepers.Load() != 0 {", "\tc.stamp(seam.ReleaseInner, index, w.Span(), w.Lap())\n\tif c.sleepers.Load() != 0 {"},
		}},
		one("inner words are not freed", "laps", releaseFile,
			"\t\tc.stamp(seam.ReleaseInner, index, w.Span(), w.Lap())\n", ""),
		one("a frame is freed for the same lap", "drop", releaseFile,
			"protocol.FreeWord(w.Lap()+1)", "protocol.FreeWord(w.Lap())"),
		one("a message is given back before it is read", "drop", consumerFile,
			"\t\treturn c.nextAny(true)\n\t}\n", "\t\treturn c.nextAny(true)\n\t}\n\tc.release(c.hand.place, c.hand.index, c.hand.word)\n"),
		one("progress in a batch is not noted", "leave-batch", releaseFile,
			"\tstoreOwned(progress, c.hand.at-c.hand.frame-protocol.BatchHeaderSize)\n", "\t_ = progress\n"),
		one("progress in a batch is noted too early", "leave-batch", consumerFile,
			"\tc.hand.at += done\n", "\tc.hand.at += done\n\tif done == 0 {\n\t\tstoreOwned(wordAt(c.data, c.hand.frame+protocol.FrameHeaderSize), 16)\n\t}\n"),
		one("a batch that was finished is not given back", "leave-batch", consumerFile,
			"\t\tc.giveBack()\n\t\treturn nil, 0, Empty", "\t\tc.hand = hand{}\n\t\treturn nil, 0, Empty"),

		// Recovering.
		one("a living participant is recovered", "drop", recoverFile,
			"if !w.Owned() || w.Owner() != dead {", "if !w.Owned() {"),
		one("the claim of a dead producer is delivered", "drop", recoverFile,
			"w.With(0, protocol.WordAbandoned)", "w.With(0, protocol.WordCommitted)"),
		one("what a dead consumer had is committed again", "two-orphans", recoverFile,
			"w.With(orphanOfDead, protocol.WordOrphan)", "w.With(0, protocol.WordCommitted)"),
		one("what a dead consumer had is freed", "two-orphans", recoverFile,
			"c.swap(seam.RecoverOrphan, word, w, w.With(orphanOfDead, protocol.WordOrphan))",
			"c.swap(seam.RecoverOrphan, word, w, protocol.FreeWord(w.Lap()+1))"),
		one("the last granule is not looked at", "two-orphans", recoverFile,
			"range c.mask + 1 {", "range c.mask {"),
		one("the inner words of what a dead consumer skipped are not freed", "aborts", recoverFile,
			"\t\t\tc.stamp(seam.RecoverInner, i, w.Span(), w.Lap())\n", ""),
		one("orphans are not told", "two-orphans", recoverFile,
			"\tc.tell(seam.RecoverTell)", "\tvar _ = c.tell"),
		{"orphans are told too early", "two-orphans", recoverFile, []edit{
			{"\tc.tell(seam.RecoverTell)", "\tvar _ = c.tell"},
			{"\tvar r Recovered\n", "\tvar r Recovered\n\tc.tell(seam.RecoverTell)\n"},
		}},
		{"orphans are told only by who made them", "two-orphans", recoverFile, []edit{
			{"\tc.tell(seam.RecoverTell)", "\tif r.Orphaned > 0 {\n\t\tc.tell(seam.RecoverTell)\n\t}"},
		}},

		// Orphans.
		one("an orphan's take does not compare", "two-orphans", orphanFile,
			"if c.swap(seam.OrphanTake, word, w, mine) {", "if c.give(seam.OrphanTake, word, mine); true {"),
		one("an orphan is delivered without the flag", "two-orphans", orphanFile,
			"c.hand.state |= handOrphan", "c.hand.state |= handHeld"),
		one("all orphans are known although one was found", "two-orphans", orphanFile,
			"\t\t\treturn true", "\t\t\tc.seen = c.scan\n\t\t\treturn true"),
		one("a search is not begun again", "two-orphans", orphanFile,
			"if generation != c.scan {", "if c.scan == 0 {"),
		one("orphans are never looked for", "two-orphans", consumerFile,
			"generation != c.seen {", "generation != c.seen && false {"),
		one("a message is not dropped", "drop", orphanFile,
			"c.hand.state |= handDrop", "c.hand.state |= handHeld"),
		one("what was put back is dropped", "leave-drop", orphanFile,
			"if c.mem.Drop && w.Owner() == orphanOfDead {", "if c.mem.Drop {"),
		one("all of a batch is dropped", "batches-drop", consumerFile,
			"\t\tif c.drop() {\n\t\t\treturn c.deliver()\n\t\t}", "\t\tfor c.drop() {\n\t\t\tc.deliver()\n\t\t}"),

		// Leaving.
		one("who leaves keeps what is in hand", "leave", orphanFile,
			"if c.swap(seam.OrphanPut, c.hand.place, c.hand.word, c.hand.word.With(left, protocol.WordOrphan)) {", "if left > orphanUnseen {"),
		one("who leaves frees what is in hand", "leave", orphanFile,
			"c.hand.word.With(left, protocol.WordOrphan)) {", "protocol.FreeWord(c.hand.word.Lap()+1)|protocol.Word(left&^3)) {"),
		one("who leaves does not tell", "leave", orphanFile,
			"\t\tc.tell(seam.OrphanTell)\n", ""),
	}
}
