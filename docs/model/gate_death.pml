/* gate.pml: being killed, and being told of it */

/* What was in the dead one's store buffer is in memory when its death is told: the way of a process to its end has full barriers. */
#if defined(RELEASE_STORE) && !defined(MUTANT_TOLD_TOO_EARLY)
#define GONE(i) (dead[i] && (i < SLEEPERS || buffer[i % WAKERS] == 0)) /* with one or two wakers, i % WAKERS is its number */
#else
#define GONE(i) dead[i]
#endif

/*
 * The goroutine of a sleeper's process that is told of deaths. Which sleeper's it is, is decided when it matters: if one is killed, that
 * may have been its goroutine. After that, another one goes on.
 */
#define ANYBODY (!dead[0] || !dead[1])

proctype Told() provided (NOT_MEANWHILE || tellerDies)
{
again:	{
	skip;
end:	if
	:: atomic { GONE(0) && !told[0] && ANYBODY -> told[0] = 1; broadcasting = 1 }
	:: atomic { GONE(1) && !told[1] && ANYBODY -> told[1] = 1; broadcasting = 1 }
	:: atomic { GONE(2) && !told[2] && ANYBODY -> told[2] = 1; broadcasting = 1 }
#if WAKERS > 1
	:: atomic { GONE(3) && !told[3] && ANYBODY -> told[3] = 1; broadcasting = 1 }
#endif
	fi;
	BROADCAST;
	broadcasting = 0;
	goto end
	} unless { atomic { tellerDies -> broadcasting = 0; dying--; tellerDies = 0 } }
	goto again
}

#define KILL(p) NOT_MEANWHILE && kills < KILLS && !dead[p] && (p < SLEEPERS || busy[p % WAKERS]) -> dead[p] = 1; kills++; dying++

#ifdef MUTANT_RECOVERERS_DEATH_UNNOTICED
#define WITH_TELLER(p) if :: broadcasting -> tellerDies = 1; dying++; told[p] = 1 :: skip fi
#else
#define WITH_TELLER(p) if :: broadcasting -> tellerDies = 1; dying++ :: skip fi
#endif

/* Who only just comes, or a tool: it broadcasts once, and nobody is told if it is killed. */
#ifdef STRANGER
bit strangerDies;

proctype Stranger() provided (NOT_MEANWHILE)
{
	{
	skip;
	BROADCAST
	} unless { strangerDies }
}
#endif

proctype Killer()
{
end:	do
	:: atomic { kills < KILLS -> kills = KILLS } /* no more are killed */
	:: atomic { KILL(0); WITH_TELLER(0) }
	:: atomic { KILL(1); WITH_TELLER(1) }
	:: atomic { KILL(2) }
#if WAKERS > 1
	:: atomic { KILL(3) }
#endif
#ifdef STRANGER
	:: atomic { NOT_MEANWHILE && kills < KILLS && !strangerDies -> strangerDies = 1; kills++ }
#endif
	od
}
