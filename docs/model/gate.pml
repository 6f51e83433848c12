/*
 * The gate of package futex: several sleepers, several wakers, each of which may be killed before any of its steps.
 * futex/gate.go names the steps S1..S3 and W1..W5; they stand here under the same names, one access to shared memory each.
 *
 * What is waited for is a token: a waker puts one (W1), a sleeper takes one, and may come back for more. Each sleeper's process has a
 * goroutine that the kernel tells of deaths, and which then broadcasts. It is killed with its process.
 *
 * Checked: when nobody can move any more, no living sleeper sleeps while there is a token.
 *
 * Variants:
 *   (none)   the store of W1 is sequentially consistent
 *   ASYM     W1 is a store-release, which stays in the waker's store buffer for any length of time; sleepers make the barrier
 *   STRICT   likewise, but the sleepers cannot make the barrier, and set the strict bit. The sleeps of each are short at first, until one
 *            has lasted to its deadline; that is long enough for whatever was in a store buffer when the bit was set
 *   STRANGER  somebody whom nobody watches broadcasts once
 *   WAKERS (1 or 2), EACH (tokens of each waker), KILLS (how many are killed)
 *
 * Two things are written shorter than in the code, and mean the same. The sequence is only ever compared with what a sleeper
 * read, so here each sleeper has a bit, current: the sequence is still the one that it read. And the lease by which the tellers of a
 * death agree on who broadcasts is part of the step that marks the dead one's entry.
 *
 * Not modelled: the deadline of a sleep and the net of 2 s (nothing here rests on them); cancelling; 2^32 wakes in one sleep; what
 * becomes of a hint that comes while somebody else holds the lease (watch.pml); reordering beyond TSO.
 */

#ifndef WAKERS
#define WAKERS 2
#endif
#ifndef EACH
#define EACH 1
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define SLEEPERS 2 /* they are processes 0 and 1; the wakers are 2 and 3 */
#define ALL (SLEEPERS + WAKERS)

#if defined(ASYM) || defined(STRICT)
#define RELEASE_STORE
#endif

byte tokens;            /* the condition, as memory has it */
byte buffer[WAKERS];    /* tokens put, but still in that waker's store buffer */
bit  flag, strictBit;   /* waiting, bits 0 and 1 */
bit  current[SLEEPERS]; /* the sequence is what this sleeper read */
bit  asleep[SLEEPERS];  /* the kernel's queue */
bit  away[SLEEPERS];    /* it took a token, and does something else from then on */

bit  dead[ALL];
bit  told[ALL]; /* its entry says that somebody deals with its death, or did */
byte kills;
bit  busy[WAKERS];  /* not finished */
bit  broadcasting, tellerDies;

/* Who is killed stops at once: nobody else makes a step before. */
byte dying;
#define NOT_MEANWHILE (dying == 0)

/* Each atomic read-modify-write, and each system call, empties the store buffer of who makes it. */
#define DRAIN(w) tokens = tokens + buffer[w]; buffer[w] = 0

#if WAKERS > 1
#define DRAINED (buffer[0] == 0 && buffer[1] == 0)
#else
#define DRAINED (buffer[0] == 0)
#endif

/* W4: the sequence is another one from now on */
#define COUNT current[0] = 0; current[1] = 0

/* W5 */
#ifdef MUTANT_WAKE_ONE
#define WAKE if :: asleep[0] -> asleep[0] = 0 :: asleep[1] -> asleep[1] = 0 :: else fi
#else
#define WAKE asleep[0] = 0; asleep[1] = 0
#endif

/* Broadcast. It leaves the flag alone: who broadcasts may be unknown to the sleepers, and then nobody is told if it is killed. */
#if defined(MUTANT_BROADCAST_TAKES_THE_FLAG_DOWN)
#define BROADCAST flag = 0; atomic { COUNT }; atomic { WAKE }
#elif defined(MUTANT_WAKE_INSTEAD_OF_BROADCAST)
#define BROADCAST if :: atomic { flag -> flag = 0 }; atomic { COUNT }; atomic { WAKE } :: !flag fi
#else
#define BROADCAST atomic { COUNT }; atomic { WAKE }
#endif

/* membarrier: one processor after the other makes a full barrier */
inline barrier()
{
	atomic { DRAIN(0) };
#if WAKERS > 1
	atomic { DRAIN(1) };
#endif
}

proctype Sleeper(byte me) provided (NOT_MEANWHILE || dead[me])
{
	bit first = 1; /* none of its sleeps has lasted to its deadline */
	{
	skip;
take:
	if
	:: atomic { tokens > 0 -> tokens-- }; goto take
	:: atomic { tokens > 0 -> tokens--; away[me] = 1 }; goto gone
	:: tokens == 0
	fi;
#ifdef MUTANT_BARRIER_BEFORE_FLAG
	barrier();
#endif
	/* S1 */
#ifdef MUTANT_FLAG_BEFORE_LOAD
	flag = 1;
	current[me] = 1;
#else
	current[me] = 1;
	flag = 1;
#endif
#if defined(ASYM) && !defined(MUTANT_NO_BARRIER) && !defined(MUTANT_BARRIER_BEFORE_FLAG)
	barrier();
#endif
#if defined(STRICT) && !defined(MUTANT_NOT_STRICT)
#ifdef MUTANT_ONLY_FIRST_OF_ALL_SHORT
	atomic { first = 1 - strictBit; strictBit = 1 };
#else
	strictBit = 1;
#endif
#endif
#ifndef MUTANT_NO_SECOND_LOOK
	/* S2 */
	if
	:: tokens > 0 -> goto take
	:: tokens == 0
	fi;
#endif
	/* S3: the kernel compares and queues under one lock */
	if
	:: atomic { current[me] -> asleep[me] = 1 }
	:: !current[me] -> goto take
	fi;
	if
	:: atomic { !asleep[me] -> current[me] = 0 }
#if defined(STRICT) && !defined(MUTANT_FIRST_SLEEP_LONG)
	   /* the deadline of a short sleep */
	:: atomic { first && DRAINED -> asleep[me] = 0; current[me] = 0; first = 0 }
#endif
	fi;
	goto take;
gone:	dead[me]
	} unless { atomic { dead[me] -> away[me] = 0; first = 0; asleep[me] = 0; current[me] = 0; dying = dying - dead[me] } }
}

proctype Waker(byte me; byte w) provided (NOT_MEANWHILE || dead[me])
{
	byte left = EACH;
#ifdef MUTANT_CHECK_BEFORE_PUT
	bit saw;
#endif
	{
	skip;
next:
	if
	:: atomic { left == 0 -> busy[w] = 0 }; goto done
	:: atomic { left > 0 -> busy[w] = 1 }
	fi;
#ifdef MUTANT_CHECK_BEFORE_PUT
	saw = flag;
#endif
	/* W1 */
#ifdef RELEASE_STORE
	atomic { buffer[w]++; left-- };
#else
	atomic { tokens++; left-- };
#endif
	/* W2, Waiting: one load */
#ifdef MUTANT_CHECK_BEFORE_PUT
	if :: saw -> saw = 0 :: else -> goto next fi;
#else
	if :: flag || strictBit :: !flag && !strictBit -> goto next fi;
#endif
#ifdef MUTANT_STRICT_WITHOUT_RMW
	if :: flag :: !flag -> goto next fi;
#endif
#ifdef MUTANT_COUNT_BEFORE_CLEAR
	atomic { DRAIN(w); COUNT };
	atomic { flag = 0 };
#else
	/* W3 */
	if
	:: atomic { flag -> DRAIN(w); flag = 0 }
	:: atomic { !flag -> DRAIN(w) }; goto next
	fi;
	/* W4 */
	atomic { COUNT };
#endif
	/* W5 */
	atomic { WAKE };
	goto next;
done:	skip
	} unless { atomic { dead[me] -> left = 0; busy[w] = 0; dying = dying - dead[me] } }
}

/* A store buffer empties when it likes, also that of a process that is gone. */
proctype Buffers() provided (NOT_MEANWHILE)
{
end:	do
	:: atomic { buffer[0] > 0 -> buffer[0]--; tokens++ }
#if WAKERS > 1
	:: atomic { buffer[1] > 0 -> buffer[1]--; tokens++ }
#endif
	od
}

#include "gate_death.pml"

#define RESTS(i) assert(dead[i] || away[i] || asleep[i] && tokens == 0)

init
{
	atomic {
		run Sleeper(0);
		run Sleeper(1);
#ifndef MUTANT_NOT_TOLD
		run Told();
#endif
		run Waker(2, 0);
#if WAKERS > 1
		run Waker(3, 1);
#endif
#ifdef RELEASE_STORE
		run Buffers();
#endif
#ifdef STRANGER
		run Stranger();
#endif
		run Killer()
	};
	/* Nobody can move. */
	timeout -> atomic {
		RESTS(0);
		RESTS(1)
	}
}
