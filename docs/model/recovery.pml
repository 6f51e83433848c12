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

#include "recovery_mend.pml"
#include "recovery_send.pml"
#include "recovery_receive.pml"
#include "recovery_death.pml"

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
