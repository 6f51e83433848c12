package ring

import (
	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// Recovered says what a dead participant had left behind.
type Recovered struct {
	Abandoned int // claims, which consumers skip
	Orphaned  int // messages or batches in hand, which another consumer gets
	Released  int // frames that it was giving back
}

// RecoverMPMC mends what a dead participant left behind: each word that is its own. The caller holds the dead one's lease, which is
// the proof of its death, keeps others from doing the same at once, and keeps a newcomer from the slot, whose words would look like
// the dead one's. There is no list to walk in order and no index to mend: each word is mended by itself. If the caller dies on
// the way, the next one does the rest; doing a step again does no harm. It takes one look at each word of the ring.
func RecoverMPMC(m MPMCMemory, dead uint8) (Recovered, error) {
	c, err := join(m, dead, protocol.OffDataGate)
	if err != nil {
		return Recovered{}, err
	}
	var r Recovered
	for i := range c.mask + 1 {
		word := c.word(i)
		w := c.load(seam.RecoverLoad, word)
		if !w.Owned() || w.Owner() != dead {
			continue
		}
		if !c.sound(w, i) {
			return r, c.err
		}
		switch w.State() {
		case protocol.WordClaimed:
			c.swap(seam.RecoverAbandon, word, w, w.With(0, protocol.WordAbandoned))
			r.Abandoned++
		case protocol.WordTaken:
			c.swap(seam.RecoverOrphan, word, w, w.With(orphanOfDead, protocol.WordOrphan))
			r.Orphaned++
		case protocol.WordSkipping:
			c.stamp(seam.RecoverInner, i, w.Span(), w.Lap())
			c.swap(seam.RecoverWord, word, w, protocol.FreeWord(w.Lap()+1))
			r.Released++
		}
	}
	c.tell(seam.RecoverTell) // whatever was found: one that came before us may have died before it told
	return r, nil
}
