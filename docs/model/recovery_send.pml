/* recovery.pml: producers */

#define MINE WORD(next / G, CLAIMED, slot, SIZE(m))
#define RUN (SIZE(m) > G - next % G -> G - next % G : SIZE(m))
/* A tail that is moved by who claims, and by producers that meet a claim, but by no consumer. */
#ifdef MUTANT_HINT_INSTEAD_OF_WALK
byte tail;
#define TAIL_IS(pos) if :: tail < pos -> tail = pos :: else fi
#else
#define TAIL_IS(pos) skip
#endif
#define AWAKE armed = 0; prepared[me] = 0
#ifdef MUTANT_CLAIM_WITHOUT_CAS
#define CAN_CLAIM 1
#else
#define CAN_CLAIM word[next % G] == FREED(next / G)
#endif

proctype Producer(byte me; byte slot; byte m; byte end) provided (NOT_MEANWHILE || is[me] == DEAD)
{
	byte next, i;
	short w;
	bit armed; /* prepared to sleep */
	{
	skip;
#if NEWCOMER == PRODUCES
	if
	:: me == 4 -> come()
	:: else
	fi;
#endif
walk:
	atomic {
		w = word[next % G];
		if
		:: m == end -> w = 0; idle[me] = 1; next = 0; m = 0; goto sent
		:: m != end && LAP(w) == next / G && STATE(w) == FREE -> w = 0
		:: m != end && LAP(w) == next / G && STATE(w) != FREE -> next = next + SPAN(w); w = 0; TAIL_IS(next); goto walk
#ifdef MUTANT_HINT_INSTEAD_OF_WALK
		:: m != end && LAP(w) > next / G && tail > next -> w = 0; next = tail; goto walk
		:: m != end && LAP(w) > next / G && tail <= next -> w = 0; goto noRoom
#else
		:: m != end && LAP(w) > next / G -> w = 0; next++; goto walk
#endif
		:: m != end && LAP(w) < next / G -> w = 0; goto noRoom
		fi
	};
#if LARGE && !defined(MUTANT_INNER_UNCHECKED)
	/* The granules behind the first must be free too. */
	atomic {
		if
		:: RUN == 2 -> w = word[(next + 1) % G];
			if
			:: w == FREED(next / G) -> w = 0
			:: else
			fi
		:: else
		fi
	};
	atomic {
		if
		:: w == 0
		:: w != 0 && word[next % G] != FREED(next / G) -> w = 0; AWAKE; goto walk
		:: w != 0 && word[next % G] == FREED(next / G) -> assert(LAP(w) < next / G); w = 0; goto noRoom
		fi
	};
#endif
	/* the claim: a compare-and-swap */
	atomic {
		AWAKE;
		if
#ifndef MUTANT_CLAIM_WITHOUT_CAS
		:: word[next % G] != FREED(next / G) -> goto walk
#endif
		:: CAN_CLAIM && RUN != SIZE(m) -> word[next % G] = WORD(next / G, ABANDONED, 0, RUN); next = next + RUN; goto padded
		:: CAN_CLAIM && RUN == SIZE(m) -> word[next % G] = MINE
		fi
	};
#ifdef MUTANT_HINT_INSTEAD_OF_WALK
	atomic { TAIL_IS(next + SIZE(m)) };
#endif
#ifndef MUTANT_COMMITTED_BEFORE_WRITTEN
	data[next % G] = m + 1;
#if LARGE
	atomic { if :: SIZE(m) == 2 -> data[(next + 1) % G] = m + 1 :: else fi };
#endif
#endif
#ifdef MUTANT_WAKE_BEFORE_COMMIT
	atomic { WAKE_CONSUMERS };
#endif
	atomic {
		assert(word[next % G] == MINE);
		if
		:: ABORTS & BIT(m) -> word[next % G] = AS(MINE, ABANDONED, 0)
		:: else -> word[next % G] = AS(MINE, COMMITTED, 0); committed = committed | BIT(m)
		fi;
#ifndef MUTANT_COMMITTED_BEFORE_WRITTEN
		next = next + SIZE(m); m++
#endif
	};
#ifdef MUTANT_COMMITTED_BEFORE_WRITTEN
	atomic { data[next % G] = m + 1; next = next + SIZE(m); m++ };
#endif
#ifndef MUTANT_WAKE_BEFORE_COMMIT
	atomic { WAKE_CONSUMERS };
#endif
	goto walk;
padded:
#ifndef MUTANT_PADDING_WAKES_NOBODY
	atomic { WAKE_CONSUMERS };
#endif
	goto walk;
noRoom:
	if
	:: atomic { !armed -> prepared[me] = 1; armed = 1 };
#ifndef MUTANT_NO_SECOND_LOOK
		goto walk
#else
		goto noRoom
#endif
	:: atomic { armed && !prepared[me] -> armed = 0 }; goto walk
#ifdef GIVES_UP
	:: atomic { AWAKE; m++ }; goto walk
#endif
	fi;
sent:
	is[me] == DEAD
	} unless { atomic { is[me] == DEAD -> next = 0; i = 0; w = 0; m = 0; AWAKE; idle[me] = 0; dying = dying - (is[me] == DEAD) } }
}
