/* watch.pml: the sleeper C, and the goroutines that the kernel tells of deaths. */

/*
 * That who says that it sleeps and then looks misses nothing is what gate.pml is about. Here it does so in three steps: it says so and
 * reads members; if they have moved, it reads the entries, once, has the kernel watch them, and counts who is there; then it looks at
 * the ring.
 */
#define SAYS prepared = 1; moved = !fresh; fresh = 1
#define WATCHES if :: moved -> WATCH(C, 0); WATCH(C, 1) :: else fi
#define COUNTS there[0] = STATE(status[0]) == ACTIVE; there[1] = STATE(status[1]) == ACTIVE
#define COUNTS_IF_MOVED if :: moved -> COUNTS :: else fi
#define LOOKS stale = 0
#define SLEEPS moved = 0; asleep = 1

proctype Sleeper() provided (NOT_MEANWHILE)
{
	bit moved;
again:
#if defined(LOOSE) && defined(MUTANT_COUNTS_ONLY_IF_MOVED)
	atomic { SAYS };
	atomic { LOOKS; COUNTS_IF_MOVED };
	atomic { WATCHES; SLEEPS };
#elif defined(LOOSE)
	atomic { SAYS };
	atomic { LOOKS };
	atomic { WATCHES };
	atomic { COUNTS; SLEEPS };
#elif defined(MUTANT_MEMBERS_READ_LAST)
	atomic { prepared = 1; moved = !fresh; WATCHES; COUNTS_IF_MOVED };
	atomic { fresh = 1; LOOKS; SLEEPS };
#elif defined(MUTANT_LOOKS_BEFORE_IT_WATCHES)
	atomic { SAYS };
	atomic { LOOKS };
	atomic { WATCHES; COUNTS_IF_MOVED; SLEEPS };
#elif defined(MUTANT_COUNTS_BEFORE_IT_WATCHES)
	atomic { SAYS };
	atomic { COUNTS_IF_MOVED };
	atomic { WATCHES; LOOKS; SLEEPS };
#elif defined(MUTANT_COUNTS_AFTER_IT_WATCHES)
	atomic { SAYS };
	atomic { WATCHES };
	atomic { COUNTS; LOOKS; SLEEPS };
#else
	atomic { SAYS };
	atomic { WATCHES; COUNTS_IF_MOVED };
	atomic { LOOKS; SLEEPS };
#endif
	atomic { !prepared -> asleep = 0 };
	goto again
}

#define TELLS(b, e) (process[AT(b, e)] != 0 && dead[process[AT(b, e)] - 1] || tells[AT(b, e)])
#define TOLD(b, e) process[AT(b, e)] = 0; tells[AT(b, e)] = 0; about = e; was = watched[AT(b, e)]

/* The goroutine of B's or C's process that the kernel tells. */
proctype Told(byte b) provided (NOT_MEANWHILE || dead[b])
{
	byte about, was;
	{
	skip;
end:	if
	:: atomic { TELLS(b, 0) -> TOLD(b, 0) }
	:: atomic { TELLS(b, 1) -> TOLD(b, 1) }
	fi;
	bury(about, b);
#ifdef MUTANT_TOLD_EARLY
	atomic { MEMBERS };
	atomic { GATES };
#endif
#ifndef MUTANT_TOLD_ONCE
	/* Somebody else has the lease, and may be killed before he has done anything: come again. */
again:	if
	:: status[about] + 1 == was && lease[about] == 0 -> bury(about, b); goto again
	:: status[about] + 1 != was
	fi;
#endif
#if !defined(MUTANT_TOLD_EARLY) && !defined(MUTANT_TOLD_QUIETLY)
	/* Whoever changed the entry may have been killed before it said so. */
	atomic { MEMBERS };
	atomic { GATES };
#endif
	atomic { about = 0; was = 0 };
	goto end
	} unless { atomic { dead[b] -> about = 0; was = 0; watched[AT(b, 0)] = 0; process[AT(b, 0)] = 0; dying = dying - dead[b] } }
}
