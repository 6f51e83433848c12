/* recovery.pml: being killed, and being told of it */

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
