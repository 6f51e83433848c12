package ring

// stepConsumer is the consumer's half of the model: Next, Release, Return and Rest as they stand in spsc_consumer.go.
func (m *ringModel) stepConsumer(s ringState, yield func(n ringState, crash bool)) {
	c := &s.c
	switch c.at {
	case consumerLoadsHead:
		c.credited = s.head
		c.at++
	case consumerLoadsCursor:
		from := s.cursor
		if m.attachAtHead {
			from = s.head
		}
		if from < c.credited {
			m.fail("a sound ring is refused by a new consumer")
		}
		c.next = m.frameAt(from)
		c.hand = c.next
		if s.inHand && !m.flagForgotten {
			c.redeliver = c.next
		}
		c.at++
	case consumerLoadsTail:
		c.tail = s.tail
		if m.pos(c.next) > c.tail || c.tail > c.credited+modelCapacity {
			m.fail("a sound tail is refused by a new consumer")
		}
		c.at++
	case consumerIdle:
		if c.hand != c.next {
			n := s
			n.c.at = consumerReleases
			m.stepConsumer(n, yield)
			n = s // Return
			n.c.next = c.hand
			n.o.returned = true
			m.storeCursor(&n)
			yield(n, false)
		}
		if int(c.next) == len(m.frames) && c.hand == c.next && s.head == m.pos(c.next) {
			return
		}
		m.beginNext(&s)
		m.stepConsumer(s, yield)
		return
	case consumerStoresCreditCursor:
		if m.headFirst {
			m.storeHead(&s)
		} else {
			m.storeCursor(&s)
			s.inHand = s.inHand && !m.bitLost
		}
		c.at++
	case consumerStoresCredit:
		if m.headFirst {
			m.storeCursor(&s)
		} else {
			m.storeHead(&s)
		}
		m.proceed(&s)
	case consumerLooks:
		if s.tail == c.tail {
			c.at = consumerRests
			break
		}
		if s.tail < c.tail || s.tail > c.credited+modelCapacity {
			m.fail("a sound tail is refused")
		}
		c.tail = s.tail
		c.at = consumerReadsHeader
	case consumerRests:
		m.storeCursor(&s)
		c.at = consumerRestsMore
		if m.pos(c.hand) == c.credited || m.creditNever {
			c.at = consumerIdle
		}
	case consumerRestsMore:
		m.storeHead(&s)
		c.at = consumerIdle
	case consumerReadsHeader:
		f := m.frames[c.next]
		c.writer = s.cells[f.at%modelCapacity]
		if c.writer>>2 != c.next || c.writer == 0 {
			m.fail("a header that was overwritten or not yet written")
		}
		if !f.padding {
			c.at = consumerStoresCursor
			if m.cursorLate {
				m.deliver(&s)
			}
			break
		}
		c.next++
		c.hand = c.next
	case consumerStoresCursor:
		m.deliver(&s)
		m.storeCursor(&s)
	case consumerReadsPayload:
		f := m.frames[c.hand]
		if s.cells[(f.at+c.cell)%modelCapacity] != c.writer {
			m.fail("a payload that was overwritten or not yet written")
		}
		if c.cell++; f.at+c.cell == f.end {
			c.at = consumerIdle
			if m.cursorLate {
				c.at = consumerStoresLate
			}
		}
	case consumerStoresLate:
		m.storeCursor(&s)
		c.at = consumerIdle
	case consumerReleases:
		m.finish(&s)
		if !m.finishUnstored {
			m.storeCursor(&s)
		}
		s.o.finished = s.o.seen // Release has the message off the books with this store
		c.at = consumerIdle
		if m.pos(c.next)-c.credited >= m.step {
			c.at = consumerReleasesMore
		}
	case consumerReleasesMore:
		m.storeHead(&s)
		c.at = consumerIdle
	}
	yield(s, false)
}

// beginNext is what Next does before it touches shared memory.
func (m *ringModel) beginNext(s *ringState) {
	m.finish(s)
	s.c.at = consumerStoresCreditCursor
	if m.pos(s.c.next)-s.c.credited < m.step {
		m.proceed(s)
	}
}

// proceed goes on with Next when credit need not be returned any more.
func (m *ringModel) proceed(s *ringState) {
	s.c.at = consumerReadsHeader
	if m.pos(s.c.next) == s.c.tail {
		s.c.at = consumerLooks
	}
}

func (m *ringModel) finish(s *ringState) { s.c.hand = s.c.next }

// deliver hands the message at next to the application.
func (m *ringModel) deliver(s *ringState) {
	c := &s.c
	if s.o.finished < s.o.seen && m.frames[c.next].message == s.o.seen+1 {
		s.o.finished = s.o.seen // who asks for the next message has finished the one before
	}
	m.delivered(s, m.frames[c.next].message, c.next == c.redeliver)
	c.hand = c.next
	c.next++
	c.at, c.cell = consumerReadsPayload, 1
}

// storeCursor stores what Consumer.cursor says. The store is what tells a successor that a message is finished.
func (m *ringModel) storeCursor(s *ringState) {
	c := &s.c
	s.cursor = m.pos(c.hand)
	s.inHand = (c.hand != c.next || c.hand == c.redeliver) && !m.bitForgotten
	if c.hand == c.next && s.o.finished < s.o.seen && !s.o.returned && m.messageBefore(c.hand) == s.o.seen {
		s.o.finished = s.o.seen
	}
}

// messageBefore is the last message that ends at or before frame i.
func (m *ringModel) messageBefore(i uint8) uint8 {
	for i > 0 {
		if i--; !m.frames[i].padding {
			return m.frames[i].message
		}
	}
	return 0
}

func (m *ringModel) storeHead(s *ringState) {
	c := &s.c
	c.credited = m.pos(c.hand)
	s.head = c.credited
	if m.creditEarly && int(c.next) < len(m.frames) && m.pos(c.next) < c.tail { // of the frame that is about to be in hand
		s.head = m.frames[c.next].end
	}
}
