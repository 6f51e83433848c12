/* recovery.pml: what the dead left is mended, by who holds the lease of slot s; and a newcomer takes a slot */

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
