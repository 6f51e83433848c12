package crash

// Word is a word of memory that several processes share and that outlives them: an *atomic.Uint64.
type Word interface {
	Load() uint64
	Store(uint64)
	Add(uint64) uint64
	Or(uint64) uint64
}

// Ledger says what became of each message: who writes it may be killed at any moment, and what is written stands. A producer notes
// that it begins to send a message before it does, and that Send has returned after it has. A consumer notes a message after it
// was delivered and before it finishes it. So a message whose Send has returned and that nobody noted as delivered is lost; one that
// was noted twice without the flag was delivered twice without the flag.
//
// It takes half a byte of a message. It is as safe for concurrent use as its words, if each sender has one producer at a time.
type Ledger struct {
	at      func(i int) Word
	senders int
	each    int
}

// What is known of a message, four bits of each.
const (
	noteSent    = 1 << 0 // Send has returned
	noteFresh   = 1 << 1 // it was delivered without the flag
	noteFlagged = 1 << 2 // it was delivered as one that somebody may have seen

	perWord = 16
)

// Breaches of the contract that a consumer sees at once. The names are in faultNames.
const (
	faultTorn = iota
	faultTwice
	faultOrder
	faultStranger
	faults
)

var faultNames = [faults]string{
	faultTorn:     "torn",
	faultTwice:    "delivered twice without the flag",
	faultOrder:    "delivered behind a later one of its sender, without the flag",
	faultStranger: "delivered, but never sent",
}

// LedgerWords is how many words a ledger of so many senders, and so many messages of each, takes.
func LedgerWords(senders, each int) int { return 2*faults + senders + senders*each/perWord }

// NewLedger makes a ledger of words that are zero at first, or looks at one that is there. Each is a multiple of 16.
func NewLedger(at func(i int) Word, senders, each int) *Ledger {
	return &Ledger{at: at, senders: senders, each: each}
}

func (l *Ledger) fault(i int) Word         { return l.at(2 * i) }
func (l *Ledger) firstFault(i int) Word    { return l.at(2*i + 1) }
func (l *Ledger) begun(sender uint16) Word { return l.at(2*faults + int(sender)) }
func (l *Ledger) notes(sender, i int) Word {
	return l.at(2*faults + l.senders + sender*(l.each/perWord) + i)
}
func (l *Ledger) note(sender uint16, seq, bits uint64) (old uint64) {
	shift := seq % perWord * 4
	return l.notes(int(sender), int(seq/perWord)).Or(bits<<shift) >> shift & 15
}

// Begun is how many messages the sender has begun to send. A producer that takes over from one that was killed goes on there.
func (l *Ledger) Begun(sender uint16) uint64 { return l.begun(sender).Load() }

// Begin notes that the sender begins to send its next n messages, and returns the number of the first; false if there is no space left.
func (l *Ledger) Begin(sender uint16, n uint64) (seq uint64, ok bool) {
	w := l.begun(sender)
	if seq = w.Load(); seq+n > uint64(l.each) {
		return 0, false
	}
	w.Store(seq + n)
	return seq, true
}

// Sent notes that Send has returned for n messages from seq on.
func (l *Ledger) Sent(sender uint16, seq, n uint64) {
	for i := range n {
		l.note(sender, seq+i, noteSent)
	}
}

// Reader is what one consumer has seen. A consumer that is started anew begins anew.
type Reader struct {
	ledger *Ledger
	next   []uint64 // for each sender, the number behind the last one seen without the flag
}

// NewReader is a consumer that has seen nothing.
func (l *Ledger) NewReader() *Reader { return &Reader{ledger: l, next: make([]uint64, l.senders)} }

// Got notes that a message was delivered, and returns what it says; false if something is wrong with it, which is noted too.
//
// The messages of a sender come in their order, except those that another consumer had taken before it died or left: those that it may
// have seen, which are flagged, and the rest of a batch, which are not.
func (r *Reader) Got(msg []byte, flagged bool) (Message, bool) {
	m, whole := Decode(msg)
	l := r.ledger
	id := uint64(m.Sender)<<48 | m.Seq
	switch {
	case !whole:
		return m, l.wrong(faultTorn, uint64(len(msg)))
	case int(m.Sender) >= l.senders || m.Seq >= l.Begun(m.Sender):
		return m, l.wrong(faultStranger, id)
	case flagged:
		l.note(m.Sender, m.Seq, noteFlagged)
		return m, true
	}
	if l.note(m.Sender, m.Seq, noteFresh)&noteFresh != 0 {
		return m, l.wrong(faultTwice, id)
	}
	if m.Seq < r.next[m.Sender] {
		return m, m.Batch || l.wrong(faultOrder, id)
	}
	r.next[m.Sender] = m.Seq + 1
	return m, true
}

func (l *Ledger) wrong(fault int, what uint64) bool {
	if l.fault(fault).Add(1) == 1 {
		l.firstFault(fault).Store(what)
	}
	return false
}

// Totals are counts over all messages.
type Totals struct {
	Begun, Sent, Delivered, Flagged uint64
}

// Finding is a breach of the contract: how often, and the first.
type Finding struct {
	What   string
	Count  uint64
	Sender uint16
	Seq    uint64 // or, of what is torn, its length
}

// Close reports everything that is wrong, after all is delivered: what consumers noted, and what was lost.
func (l *Ledger) Close() (found []Finding, sum Totals) {
	for i, name := range faultNames {
		if n := l.fault(i).Load(); n > 0 {
			first := l.firstFault(i).Load()
			found = append(found, Finding{name, n, uint16(first >> 48), first & (1<<48 - 1)})
		}
	}
	lost := Finding{What: "lost: its Send has returned, and nobody got it"}
	for sender := range l.senders {
		begun := l.Begun(uint16(sender))
		sum.Begun += begun
		for seq := range begun {
			note := l.notes(sender, int(seq/perWord)).Load() >> (seq % perWord * 4) & 15
			sum.Sent += note & noteSent
			sum.Flagged += note & noteFlagged / noteFlagged
			if note&(noteFresh|noteFlagged) != 0 {
				sum.Delivered++
			} else if note&noteSent != 0 {
				if lost.Count++; lost.Count == 1 {
					lost.Sender, lost.Seq = uint16(sender), seq
				}
			}
		}
	}
	if lost.Count > 0 {
		found = append(found, lost)
	}
	return found, sum
}

// Clear makes the ledger as new. Nobody writes to it meanwhile.
func (l *Ledger) Clear() {
	for i := range 2 * faults {
		l.at(i).Store(0)
	}
	for sender := range l.senders {
		used := (l.Begun(uint16(sender)) + perWord - 1) / perWord
		for i := range used {
			l.notes(sender, int(i)).Store(0)
		}
		l.begun(uint16(sender)).Store(0)
	}
}
