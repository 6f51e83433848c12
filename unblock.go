package shmpipe

// Unblocked says what [Pipe.Unblock] did.
type Unblocked struct {
	Reaped    int // participants that were found dead
	Abandoned int // claims of theirs, which consumers now skip
	Recovered int // messages or batches that they had in hand, which another consumer now gets
}

// Unblock releases what dead participants left claimed, in all rings of the segment. There is no need to call it while anybody is
// attached: whoever is blocked does the same. In SPSC mode nothing is ever left claimed. Live participants are left alone,
// also stopped ones. It returns ErrClosed after Close.
func (p *Pipe) Unblock() (Unblocked, error) {
	if err := p.acquire(); err != nil {
		return Unblocked{}, err
	}
	defer p.release()
	if p.queue != nil {
		dead, err := p.queue.Reap()
		return Unblocked{Reaped: dead}, err
	}
	var u Unblocked
	for i, r := range p.header.Rings {
		if r.Mode != MPMC {
			continue
		}
		done := p.crewOf(i).buryDead()
		u.Reaped += done.Reaped
		u.Abandoned += done.Abandoned
		u.Recovered += done.Recovered
	}
	return u, nil
}
