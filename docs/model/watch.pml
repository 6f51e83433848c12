/*
 * Who learns of a death, or of a departure, when anybody may be killed before any step: also who buries the dead, who is about to leave,
 * and who is about to come.
 *
 * A holds entry 0 and closes in order, if it lives. C sleeps, and must not be forgotten; it is never killed, and nobody need look at its
 * entry, so it has none here. B holds entry 1, and may be killed. B and C each have a goroutine that the kernel tells, once, of the
 * death of each process that it watches: B watches A, and C whoever is there. N is a newcomer, which takes entry 0 when it can, and
 * closes again; or, if TOOL is defined, it buries a dead one, if it finds one, and goes, as a newcomer does before it takes an
 * entry. Nobody watches N before it has announced itself.
 *
 * Checked: when nobody can move any more, C sleeps, and
 *   - nothing that a dead one left is to be mended;
 *   - C has looked at the ring since the last word was mended;
 *   - C knows of every entry whether somebody is there (else it waits for ever for the end of stream, or for space).
 *
 * The generation "members" is only ever compared with what was read before, so here each reader has a bit: it has not moved since.
 * What the dead left in the ring is one bit, broken; mending clears it. recovery.pml has the ring, and gate.pml the gates.
 *
 * Variants:
 *   KILLS     how many are killed
 *   LOOSE     as the code has it: C looks at the ring, then has the entries watched, then counts who is there, anew each time. Somebody
 *             may come between the last two and die before it says so, or mend between the first two. That needs
 *   NET       how often the sleep ends by itself, with a look at all leases: the net of 2 s
 *
 * Not modelled: processes of whose death the kernel does not tell, and which are looked at from a timer.
 */

#ifndef KILLS
#define KILLS 2
#endif
#ifndef NET
#define NET 0
#endif

#define ENTRIES 2

/* Processes. */
#define B 0
#define C 1
#define A 2
#define N 3
#define PROCESSES 4

/* A status word holds a state, and how often the entry was taken. */
#define ACTIVE 0
#define CLOSED 1
#define DIED 2
#define STATE(s) ((s) & 3)
#define TAKES(s) ((s) >> 2)
#define STATUS(takes, state) ((takes) << 2 | (state))

byte status[ENTRIES];
byte holder[ENTRIES]; /* the pid, as its holder wrote it */
byte lease[ENTRIES];  /* who has the lock, plus one */
bit  broken[ENTRIES];

bit  dead[PROCESSES], ended[PROCESSES];
bit  announced; /* N has said that it came; only after that it touches the ring */
byte kills, net;

/* Who is killed stops at once: nobody else makes a step before. */
byte dying;
#define NOT_MEANWHILE (dying == 0)

/* Of B and C: */
byte watched[4]; /* the status that it watches, plus one: [who * ENTRIES + entry] */
byte process[4]; /* the process that it watches, plus one: the kernel will tell */
bit  tells[4];   /* that was dead, or its lease free, when the watch began */

/* Of C: */
bit  prepared;       /* it has said that it sleeps, and has not been woken since */
bit  asleep;
bit  fresh;          /* members has not moved since it looked who is there */
bit  stale;          /* a word was mended since it looked at the ring */
bit  there[ENTRIES]; /* whom it has counted */

#define AT(b, e) ((b) * ENTRIES + (e))

/*
 * announce: members, then both gates, of which C sleeps at the second. Whoever is killed between them has not woken C.
 */
#define MEMBERS fresh = 0
#define GATES prepared = 0

/* mend: package ring makes each word fit to be used by the living. Doing it again does no harm. */
#define MEND(e) if :: broken[e] -> broken[e] = 0; stale = 1 :: else fi

/* bury entry e, if it is that of a dead one */
inline bury(e, me)
{
	if
	:: atomic { STATE(status[e]) == ACTIVE && lease[e] == 0 -> lease[e] = me + 1 };
#ifdef MUTANT_DIED_BEFORE_MENDED
		status[e] = STATUS(TAKES(status[e]), DIED);
		atomic { MEND(e) };
#else
		atomic { MEND(e) };
		status[e] = STATUS(TAKES(status[e]), DIED);
#endif
		atomic { MEMBERS };
		atomic { GATES; lease[e] = 0 }
	:: STATE(status[e]) != ACTIVE || lease[e] != 0
	fi
}

/* watch entry e: have the kernel tell of the death of its holder */
#define WATCH(b, e) \
	if \
	:: watched[AT(b, e)] != status[e] + 1 -> \
		tells[AT(b, e)] = 0; \
		watched[AT(b, e)] = 0; \
		process[AT(b, e)] = 0; \
		if \
		:: STATE(status[e]) == ACTIVE -> \
			watched[AT(b, e)] = status[e] + 1; \
			if \
			:: dead[holder[e]] || lease[e] == 0 -> tells[AT(b, e)] = 1 \
			:: else -> process[AT(b, e)] = holder[e] + 1 \
			fi \
		:: else \
		fi \
	:: else \
	fi

#include "watch_sleeper.pml"

/* close: the status, then everybody is told, then the lease */
inline leave(e, me)
{
	status[e] = STATUS(TAKES(status[e]), CLOSED);
	atomic { MEMBERS };
	atomic { GATES; lease[e] = 0; ended[me] = 1 }
}

proctype Member() provided (NOT_MEANWHILE || dead[A])
{
	{
	skip;
	leave(0, A)
	} unless { atomic { dead[A] -> dying-- } }
}

#ifdef TOOL
proctype Tool() provided (NOT_MEANWHILE || dead[N])
{
	{
	skip;
	if
	:: bury(0, N)
	:: bury(1, N)
	fi;
	ended[N] = 1
	} unless { atomic { dead[N] -> dying-- } }
}
#else
proctype Newcomer() provided (NOT_MEANWHILE || dead[N])
{
	byte s;
	{
	skip;
	atomic { lease[0] == 0 -> lease[0] = N + 1; s = status[0] };
#ifndef MUTANT_NEWCOMER_DOES_NOT_MEND
	if
	:: atomic { STATE(s) == ACTIVE -> MEND(0) }
	:: STATE(s) != ACTIVE
	fi;
#endif
	holder[0] = N;
	atomic { status[0] = STATUS(TAKES(s) + 1, ACTIVE); s = 0 };
	atomic { MEMBERS };
	atomic { GATES; announced = 1 };
	leave(0, N)
	} unless { atomic { dead[N] -> s = 0; dying-- } }
}
#endif

/* The locks of the dead fall free, and what they had in the ring is broken. */
#define FALL(p, e) \
	if \
	:: lease[e] == p + 1 -> \
		lease[e] = 0; \
		if :: holder[e] == p && (p != N || announced) && STATE(status[e]) == ACTIVE -> broken[e] = 1 :: else fi \
	:: else \
	fi
#define KILL(p) NOT_MEANWHILE && kills < KILLS && !dead[p] && !ended[p] -> dead[p] = 1; kills++; dying++; FALL(p, 0); FALL(p, 1)

proctype Killer()
{
end:	do
	:: atomic { kills < KILLS -> kills = KILLS } /* no more are killed */
	:: atomic { KILL(A) }
	:: atomic { KILL(B) }
	:: atomic { KILL(N) }
	od
}

/* Whom it counted, they live. Whom it did not, they left, or are dead and mended, or died before they announced themselves. */
#define KNOWS(e) (there[e] -> STATE(status[e]) == ACTIVE && lease[e] != 0 : STATE(status[e]) != ACTIVE || lease[e] == 0)

init
{
	atomic {
		/* All but N have come, and C is about to sleep for the first time. */
		status[0] = STATUS(1, ACTIVE); holder[0] = A; lease[0] = A + 1;
		status[1] = STATUS(1, ACTIVE); holder[1] = B; lease[1] = B + 1;
		watched[AT(B, 0)] = status[0] + 1; process[AT(B, 0)] = A + 1;
		run Sleeper();
		run Told(B);
		run Told(C);
		run Member();
#ifdef TOOL
		run Tool();
#else
		run Newcomer();
#endif
		run Killer()
	};
	do
	:: timeout ->
		if
		:: atomic { net < NET -> net++ };
			/* C wakes up, and looks at all leases. */
#ifndef MUTANT_NET_DOES_NOT_LOOK
			bury(0, C);
			bury(1, C);
#endif
			atomic { GATES }
		:: atomic { net == NET ->
			assert(asleep);
			assert(!broken[0] && !broken[1]);
			assert(!stale);
			assert(KNOWS(0) && KNOWS(1)) };
			break
		fi
	od
}
