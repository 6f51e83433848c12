/* recovery.pml: consumers */

/* What was in the granules is of no importance any more. */
#define FINISH \
	if \
	:: STATE(w) == TAKEN -> \
		assert(delivered & BIT(m)); \
		finished = finished | BIT(m); delivered = delivered & ~BIT(m); data[at] = 0; \
		if :: SIZE(m) == 2 -> data[(at + 1) % G] = 0 :: else fi \
	:: else \
	fi
#define EMPTY_HAND w = 0; m = 0; at = 0; flagged = 0

proctype Consumer(byte me; byte slot) provided (NOT_MEANWHILE || is[me] == DEAD)
{
	byte next, i;
	byte at;         /* the granule where the frame in hand begins */
	byte seen, scan; /* generations of orphans: all are known to be taken; is being looked for */
	byte from;       /* where that goes on */
	byte m;
	short w;
	bit armed, flagged;
	{
	skip;
#if NEWCOMER == CONSUMES
	if
	:: me == 4 -> come()
	:: else
	fi;
#endif
take:
	atomic {
		if
		:: orphans == seen -> goto walk
		:: orphans != seen && orphans == scan
		:: orphans != seen && orphans != scan -> scan = orphans; from = 0
		fi
	};
adopt:
	atomic {
		if
#ifdef MUTANT_SEEN_READ_AFTER
		:: from == G -> seen = orphans; scan = seen; from = 0; goto walk
#else
		:: from == G -> seen = scan; from = 0; goto walk
#endif
		:: from < G ->
			w = word[from];
			from++;
			if
			:: STATE(w) != ORPHAN -> w = 0; goto adopt
			:: else
			fi
		fi
	};
	atomic {
		if
		:: word[from - 1] != w -> w = 0; goto adopt
		:: else
		fi;
		at = from - 1;
		word[at] = AS(w, TAKEN, slot);
		flagged = 1;
		AWAKE;
#ifdef DROP
		if
		:: OWNER(w) == 0 -> w = word[at]; m = data[at] - 1; delivered = delivered | BIT(m); goto release
		:: else
		fi;
#endif
		w = word[at];
		goto deliver
	};
walk:
	atomic {
		w = word[next % G];
		if
		:: LAP(w) > next / G -> w = 0; next++; goto walk
		:: LAP(w) < next / G -> w = 0; goto nothing
		:: LAP(w) == next / G && (STATE(w) == FREE || STATE(w) == CLAIMED) -> w = 0; goto nothing
		:: LAP(w) == next / G && STATE(w) >= TAKEN -> next = next + SPAN(w); w = 0; goto walk
		:: LAP(w) == next / G && (STATE(w) == COMMITTED || STATE(w) == ABANDONED)
		fi
	};
	/* the take, or the skip: a compare-and-swap */
	atomic {
		AWAKE;
		if
		:: word[next % G] != w -> w = 0; goto walk
		:: else
		fi;
		at = next % G;
		next = next + SPAN(w);
		if
		:: STATE(w) == COMMITTED -> w = AS(w, TAKEN, slot); word[at] = w
		:: else -> w = AS(w, SKIPPING, slot); word[at] = w; goto release
		fi
	};
deliver:
	/* The first granule tells whose message it is. */
	atomic {
		assert(data[at] != 0);
		m = data[at] - 1;
		assert(committed & BIT(m));
		assert(!(finished & BIT(m)));
		assert(SPAN(w) == SIZE(m));
#ifdef MUTANT_ORPHAN_NOT_FLAGGED
		flagged = 0;
#endif
		assert(flagged || !(delivered & BIT(m)));
		delivered = delivered | BIT(m)
	};
#if LARGE
	atomic { if :: SIZE(m) == 2 -> assert(data[(at + 1) % G] == m + 1) :: else fi };
#endif
#ifdef LEAVES
	if
	:: me == 2 -> goto leave
	:: else
	fi;
#endif
release:
	/* The first word goes last. */
#ifdef MUTANT_FIRST_WORD_FIRST
	atomic { assert(word[at] == w); word[at] = FREED(LAP(w) + 1); FINISH };
	atomic { if :: SPAN(w) == 2 -> word[(at + 1) % G] = FREED(LAP(w) + 1) :: else fi; EMPTY_HAND };
#else
#if LARGE
	atomic { if :: SPAN(w) == 2 -> word[(at + 1) % G] = FREED(LAP(w) + 1) :: else fi };
#endif
	atomic { assert(word[at] == w); word[at] = FREED(LAP(w) + 1); FINISH; EMPTY_HAND };
#endif
	atomic { WAKE_PRODUCERS };
#ifdef GIVES_UP
	if
	:: goto take
	:: atomic { me == 2 -> idle[2] = 1; next = 0; seen = 0; scan = 0; from = 0 }; is[me] == DEAD
	fi;
#endif
	goto take;
nothing:
	if
	:: atomic { !armed -> prepared[me] = 1; armed = 1 };
#ifndef MUTANT_NO_SECOND_LOOK
		goto take
#else
		goto nothing
#endif
	:: atomic { armed && !prepared[me] -> armed = 0 }; goto take
	fi;
#ifdef LEAVES
leave:
#ifdef MUTANT_LEAVE_TELLS_FIRST
	orphans++;
#endif
#ifdef MUTANT_CLOSED_BEFORE_HANDED_OVER
	status[slot] = CLOSED;
#endif
	atomic { assert(word[at] == w); word[at] = AS(w, ORPHAN, 1); EMPTY_HAND };
#ifndef MUTANT_LEAVE_TELLS_FIRST
	orphans++;
#endif
	atomic { WAKE_CONSUMERS };
	status[slot] = CLOSED;
	atomic { WAKE_CONSUMERS; WAKE_PRODUCERS; lease[slot] = 0; is[me] = GONE; next = 0; seen = 0; scan = 0; from = 0 };
	is[me] == DEAD
#endif
	} unless { atomic { is[me] == DEAD -> next = 0; i = 0; EMPTY_HAND; AWAKE; idle[me] = 0; seen = 0; scan = 0; from = 0;
		dying = dying - (is[me] == DEAD) } }
}
