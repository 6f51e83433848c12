/*
 * The MPMC ring of package ring, its recovery, and the sleeping and waking around it. Anybody may be killed before any step, also who
 * recovers, comes, or leaves. One step is one access to shared memory.
 *
 * Processes are producers, consumers, and perhaps a newcomer, which takes a slot that has become free. Any living process may be told of
 * a death, and recovers. Which one it was is decided when it matters: if a process is killed, that may have been the one.
 *
 * Checked at each step:
 *   - nothing that was not committed is delivered, nothing torn, nothing that was finished, nothing twice without the flag;
 *   - nobody but the owner changes the word of one who lives.
 * Checked when nobody can move any more:
 *   - nobody who died is left to be recovered, if anybody lives; and if a consumer lives:
 *   - who lives is done or sleeps, and producers have sent everything;
 *   - everything that was committed has been delivered and finished (under the policy "drop": or was in a dead one's hand);
 *   - every word is free.
 *
 * Configuration:
 *   GRANULES        2 or 3
 *   SENDS0, SENDS1  how many messages each of two producers sends
 *   LARGE           a bit for each message: it takes two granules
 *   ABORTS          a bit for each message: its producer claims space for it, and gives that up
 *   CONSUMERS       1 or 2
 *   NEWCOMER        PRODUCES or CONSUMES: what the newcomer does (one message)
 *   LEAVES          consumer 2 leaves with its first message in hand
 *   GIVES_UP        a producer that finds no room may do without, and consumer 2 may do something else after each message
 *   DROP            the policy
 *   KILLS           how many are killed
 *
 * A gate is, for each sleeper, whether it has been woken since it said that it sleeps; a wake is one step, and so is a broadcast.
 * gate.pml shows that this is what the real one amounts to, if a killed waker's death ends in a broadcast. That a death is told to
 * somebody who lives, whoever had the lease meanwhile, is watch.pml's. The hints of the tail and the head are left out: everybody
 * walks from the beginning, as if nobody ever moved them.
 *
 * Not modelled: weak memory (the words' stores and loads are sequentially consistent here), the wrap of the lap, batches.
 */

#define PRODUCES 1
#define CONSUMES 2

#ifndef GRANULES
#define GRANULES 2
#endif
#ifndef SENDS0
#define SENDS0 1
#endif
#ifndef SENDS1
#define SENDS1 1
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef NEWCOMER
#define NEWCOMER 0
#endif
#ifndef LARGE
#define LARGE 0
#endif
#ifndef ABORTS
#define ABORTS 0
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define G GRANULES
#define SIZE(m) (1 + ((LARGE >> (m)) & 1))

/* Processes and slots: producers are 0 and 1, consumers 2 and 3. The newcomer is 4, and has no slot of its own. */
#define SLOTS 4
#define PROCESSES 5

/* A word: lap, state, owner, span. The word of an orphan says in the place of the owner whether it was a dead one's (0). */
#define FREE 0
#define CLAIMED 1
#define COMMITTED 2
#define ABANDONED 3
#define TAKEN 4
#define SKIPPING 5
#define ORPHAN 6
#define WORD(lap, state, owner, span) ((lap) << 8 | (state) << 5 | (owner) << 2 | (span))
#define FREED(lap) WORD(lap, FREE, 0, 0)
#define LAP(w) ((w) >> 8)
#define STATE(w) (((w) >> 5) & 7)
#define OWNER(w) (((w) >> 2) & 7)
#define SPAN(w) ((w) & 3)
#define AS(w, state, owner) WORD(LAP(w), state, owner, SPAN(w))
#define OWNED(w, s) (OWNER(w) == s && (STATE(w) == CLAIMED || STATE(w) == TAKEN || STATE(w) == SKIPPING))

short word[G];
byte data[G]; /* whose message is in the granule, plus one */
byte orphans; /* generation */

/* The participant table. */
#define NEVER 0
#define ACTIVE 1
#define CLOSED 2
#define DIED 3
byte status[SLOTS];
byte lease[SLOTS]; /* who has the lock, plus one */
#define TELLER 6   /* as a holder: whoever was told of the death */

/* Processes. */
#define ABSENT 0
#define RUNNING 1
#define DEAD 2
#define GONE 3
byte is[PROCESSES];
bit  idle[PROCESSES];     /* it stays, but does nothing any more: a producer that has sent everything */
bit  prepared[PROCESSES]; /* has said that it sleeps, and has not been woken since */
byte kills;
bit  recovering, tellerDies;
bit  rumour; /* of the death of one whose entry may be closed already, but who may have owed a broadcast */

/* Who is killed stops at once: nobody else makes a step before. */
byte dying;
#define NOT_MEANWHILE (dying == 0)

/* What is known of each message; delivered is cleared when it is finished. */
byte committed, delivered, finished;
#define BIT(m) (1 << (m))

/* The gates: consumers sleep on that of the data, producers on that of the space. */
#if NEWCOMER == CONSUMES
#define WAKE_CONSUMERS prepared[2] = 0; prepared[3] = 0; prepared[4] = 0
#else
#define WAKE_CONSUMERS prepared[2] = 0; prepared[3] = 0
#endif
#if NEWCOMER == PRODUCES
#define WAKE_PRODUCERS prepared[0] = 0; prepared[1] = 0; prepared[4] = 0
#else
#define WAKE_PRODUCERS prepared[0] = 0; prepared[1] = 0
#endif

/* ---- recovery, by who holds the lease of slot s ---- */

/*
 * mend looks for the words of the dead one. Nobody else changes them meanwhile, so it makes no difference in which order it finds them,
 * and the search is no step of its own.
 */
#if G == 2
#define FIND(s) if :: OWNED(word[0], s) -> i = 0; w = word[0] :: OWNED(word[1], s) -> i = 1; w = word[1] :: else fi
#else
#define FIND(s) if :: OWNED(word[0], s) -> i = 0; w = word[0] :: OWNED(word[1], s) -> i = 1; w = word[1] \
	:: OWNED(word[2], s) -> i = 2; w = word[2] :: else fi
#endif
#ifdef MUTANT_INNER_NOT_STAMPED
#define SPANS(w) 1
#else
#define SPANS(w) SPAN(w)
#endif
#ifdef MUTANT_DEAD_CLAIM_COMMITTED
#define AFTER_CLAIMED COMMITTED
#else
#define AFTER_CLAIMED ABANDONED
#endif

#ifdef MUTANT_TOLD_IF_MADE
bit made;
#define MADE made = 1
#else
#define MADE skip
#endif

inline mend(s)
{
#ifdef MUTANT_TOLD_IF_MADE
	made = 0;
#endif
#ifdef MUTANT_TOLD_BEFORE_MADE
	orphans++;
#endif
	do
	:: atomic { FIND(s);
		if
		:: w == 0 -> break
		:: w != 0 && STATE(w) == CLAIMED -> word[i] = AS(w, AFTER_CLAIMED, 0); w = 0; i = 0
#ifdef MUTANT_TAKEN_RELEASED
		:: w != 0 && STATE(w) == TAKEN -> word[i] = FREED(LAP(w) + 1); w = 0; i = 0
#else
		:: w != 0 && STATE(w) == TAKEN -> word[i] = AS(w, ORPHAN, 0); w = 0; i = 0; MADE
#endif
		:: w != 0 && STATE(w) == SKIPPING && SPANS(w) == 1 -> word[i] = FREED(LAP(w) + 1); w = 0; i = 0
		:: w != 0 && STATE(w) == SKIPPING && SPANS(w) == 2 -> word[(i + 1) % G] = FREED(LAP(w) + 1)
		fi };
		atomic {
			if
			:: w != 0 -> word[i] = FREED(LAP(w) + 1); w = 0; i = 0
			:: w == 0
			fi
		}
	od;
#ifdef MUTANT_TOLD_IF_MADE
	atomic { if :: made -> orphans++; made = 0 :: else fi }
#endif
#if !defined(MUTANT_TOLD_BEFORE_MADE) && !defined(MUTANT_TOLD_IF_MADE)
	orphans++
#endif
}

/* ---- coming ---- */

/* A newcomer takes a slot that nobody holds, mends what is to be mended, and announces itself. */
#define TAKES(s) lease[s] == 0 && status[s] != NEVER -> slot = s; lease[s] = me + 1; is[me] = RUNNING

inline come()
{
	if
	:: atomic { TAKES(0) }
	:: atomic { TAKES(1) }
	:: atomic { TAKES(2) }
	:: atomic { TAKES(3) }
	fi;
#ifndef MUTANT_NEWCOMER_DOES_NOT_MEND
	if
	:: status[slot] == ACTIVE -> mend(slot)
	:: status[slot] != ACTIVE
	fi;
#endif
	status[slot] = ACTIVE;
	atomic { WAKE_CONSUMERS; WAKE_PRODUCERS }
}

/* ---- sending ---- */

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

/* ---- receiving ---- */

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
	} unless { atomic { is[me] == DEAD -> next = 0; i = 0; EMPTY_HAND; AWAKE; idle[me] = 0; seen = 0; scan = 0; from = 0; dying = dying - (is[me] == DEAD) } }
}
/* ---- being told of a death ---- */

#define ANYBODY (is[0] == RUNNING || is[1] == RUNNING || is[2] == RUNNING || is[3] == RUNNING || is[4] == RUNNING)
#ifdef MUTANT_WITHOUT_THE_LEASE
#define LEASE(s, who) skip
#else
#define LEASE(s, who) lease[s] = who
#endif
#ifdef MUTANT_DEATH_NOT_PROVED
#define TELLS(x) (status[x] == ACTIVE && SOMEBODY_DIED)
#define SOMEBODY_DIED (is[0] == DEAD || is[1] == DEAD || is[2] == DEAD || is[3] == DEAD)
#else
#define TELLS(x) (status[x] == ACTIVE && lease[x] == 0)
#endif
#define TOLD(x) TELLS(x) && ANYBODY -> s = x; LEASE(s, TELLER); recovering = 1

proctype Told() provided (NOT_MEANWHILE || tellerDies)
{
	byte s, i;
	short w;
once:	{
	skip;
end:	if
	:: atomic { TOLD(0) }
	:: atomic { TOLD(1) }
	:: atomic { TOLD(2) }
	:: atomic { TOLD(3) }
	:: atomic { rumour && ANYBODY -> rumour = 0; WAKE_CONSUMERS; WAKE_PRODUCERS }; goto end
	fi;
#ifdef MUTANT_DIED_BEFORE_MENDED
	status[s] = DIED;
	mend(s);
#else
	mend(s);
	status[s] = DIED;
#endif
#ifndef MUTANT_NO_BROADCAST
	atomic { WAKE_CONSUMERS; WAKE_PRODUCERS; LEASE(s, 0); s = 0; recovering = 0 };
#else
	atomic { LEASE(s, 0); s = 0; recovering = 0 };
#endif
	goto end
	} unless { atomic { tellerDies -> recovering = 0; s = 0; i = 0; w = 0; dying--; tellerDies = 0 } }
	goto once
}

/* ---- being killed ---- */

/* A producer that has sent everything is only killed while it recovers. */
#define FALL(p, s) if :: lease[s] == p + 1 || lease[s] == TELLER && tellerDies -> lease[s] = 0 :: else fi
#if defined(LEAVES) && !defined(MUTANT_DEATH_OF_THE_CLOSED_UNNOTICED)
#define RUMOUR rumour = 1
#else
#define RUMOUR rumour = 0
#endif
#define KILL(p) NOT_MEANWHILE && kills < KILLS && is[p] == RUNNING && (!idle[p] || recovering) -> \
	is[p] = DEAD; kills++; dying++; RUMOUR; \
	if :: recovering -> tellerDies = 1; dying++ :: !idle[p] fi; \
	FALL(p, 0); FALL(p, 1); FALL(p, 2); FALL(p, 3)

proctype Killer()
{
end:	do
	:: atomic { kills < KILLS -> kills = KILLS } /* no more are killed */
	:: atomic { KILL(0) }
	:: atomic { KILL(1) }
	:: atomic { KILL(2) }
	:: atomic { KILL(3) }
#if NEWCOMER
	:: atomic { KILL(4) }
#endif
	od
}

/* ---- the end ---- */

#define CONSUMER_LEFT (is[2] == RUNNING && !idle[2] || is[3] == RUNNING || NEWCOMER == CONSUMES && is[4] == RUNNING)
#define RESTS(p) assert(is[p] != RUNNING || idle[p] || prepared[p])
#define SENT(p) assert(is[p] != RUNNING || idle[p])
#define TOLD_OF(s) assert(status[s] != ACTIVE || lease[s] != 0)

init
{
	atomic {
		status[0] = ACTIVE; lease[0] = 1; is[0] = RUNNING;
		run Producer(0, 0, 0, SENDS0);
#if SENDS1
		status[1] = ACTIVE; lease[1] = 2; is[1] = RUNNING;
		run Producer(1, 1, SENDS0, SENDS0 + SENDS1);
#endif
		status[2] = ACTIVE; lease[2] = 3; is[2] = RUNNING;
		run Consumer(2, 2);
#if CONSUMERS > 1
		status[3] = ACTIVE; lease[3] = 4; is[3] = RUNNING;
		run Consumer(3, 3);
#endif
#if NEWCOMER == PRODUCES
		run Producer(4, 0, SENDS0 + SENDS1, SENDS0 + SENDS1 + 1);
#endif
#if NEWCOMER == CONSUMES
		run Consumer(4, 0);
#endif
		run Told();
		run Killer()
	};
	timeout -> atomic {
		if
		:: ANYBODY -> TOLD_OF(0); TOLD_OF(1); TOLD_OF(2); TOLD_OF(3)
		:: else
		fi;
		if
		:: CONSUMER_LEFT ->
			RESTS(0); RESTS(1); RESTS(2); RESTS(3); RESTS(4);
			SENT(0); SENT(1);
#if NEWCOMER == PRODUCES
			SENT(4);
#endif
			assert(committed == finished);
			assert(STATE(word[0]) == FREE && STATE(word[1]) == FREE && STATE(word[G - 1]) == FREE)
		:: else
		fi
	}
}
