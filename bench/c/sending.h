// What the sending process does, from the gate on. harness.h includes this.
#ifndef BENCH_SENDING_H
#define BENCH_SENDING_H

// A maker writes message i to work->source. All but numbered are for tests of the checks.
typedef void maker(const struct work *work, uint64_t i);

static inline void numbered(const struct work *work, uint64_t i) { stamp(work->source, work->job->size, i); }

static void torn(const struct work *work, uint64_t i) {
	numbered(work, i);
	work->source[work->job->size - 1] ^= 1;
}

// stale leaves what was there before, except the first word: as if nothing but that had been copied.
static void stale(const struct work *work, uint64_t i) { store_word(work->source, i); }

static void one_too_far(const struct work *work, uint64_t i) { numbered(work, i + 1); }

// send_some sends messages in batches. It is inlined, with make, wherever it is called.
__attribute__((always_inline)) static inline void send_some(struct work *work, struct tx *tx, uint64_t from, uint64_t to, maker *make) {
	uint64_t pending = work->pending, batch = work->job->batch;
	for (uint64_t i = from; i < to; i++) {
		make(work, i);
		tx_send(tx, work->source, work->job->size);
		if (++pending == batch) {
			tx_publish(tx);
			pending = 0;
		}
	}
	work->pending = pending;
}

static void send_damaged(struct work *work, struct tx *tx, const char *damage) {
	uint64_t count = work->job->count, middle = count / 2;
	send_some(work, tx, 0, middle, numbered);
	if (strcmp(damage, "torn") == 0) {
		send_some(work, tx, middle, count, torn);
	} else if (strcmp(damage, "stale") == 0) {
		send_some(work, tx, middle, count, stale);
	} else if (strcmp(damage, "order") == 0) {
		send_some(work, tx, middle, count, one_too_far);
	} else if (strcmp(damage, "death") == 0) {
		tx_end(tx);
		raise(SIGKILL);
	} else if (strcmp(damage, "lost") != 0) {
		misuse("DAMAGE: got %s, want torn, stale, order, lost or death", damage);
	}
	tx_end(tx);
}

static void send_all(struct work *work, struct tx *tx) {
	const char *damage = getenv("DAMAGE");
	if (damage && *damage) {
		send_damaged(work, tx, damage);
		return;
	}
	send_some(work, tx, 0, work->job->count, numbered);
	tx_end(tx);
}

static inline void send_one(struct work *work, struct tx *tx, uint64_t number) {
	stamp(work->source, work->job->size, number);
	tx_send(tx, work->source, work->job->size);
	tx_publish(tx);
}

// bounce sends back what comes.
static void bounce(struct work *work, struct tx *tx, struct rx *rx) {
	uint64_t count = work->job->count;
	for (uint64_t i = 0; i < count; i++) {
		consume(work, rx_next(rx), i);
		rx_done(rx);
		send_one(work, tx, i);
	}
}

// send_paced sends message i when it is due, or as soon after as it can. It spins, whatever WAIT says: a sleep would not end in time.
static void send_paced(struct work *work, struct tx *tx) {
	uint64_t start = now_ns();
	for (uint64_t i = 0; i < work->job->count; i++) {
		uint64_t at = due(work->job, start, i);
		while (now_ns() < at)
			relax();
		send_one(work, tx, at);
	}
	tx_end(tx);
}

// watch_idle finds out what the receiver's waiting costs, and then ends it with a message. It leaves it some time to settle.
static void watch_idle(struct work *work, struct pair *pair, struct tx *tx) {
	uint64_t length = work->job->count * 1000000u;
	clockid_t clock;
	struct timespec before, after;
	sleep_ns(at_most(50000000u, length / 4));
	uint64_t start = now_ns();
	int failed = clock_getcpuclockid(work->job->started, &clock);
	failed |= clock_gettime(clock, &before);
	sleep_ns(length);
	failed |= clock_gettime(clock, &after);
	if (failed)
		die("read the CPU time of process %d", (int)work->job->started);
	pair->gate->idle_time = now_ns() - start;
	pair->gate->idle_cpu = (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u + (uint64_t)after.tv_nsec - (uint64_t)before.tv_nsec;
	send_one(work, tx, 0);
}

static void send_job(struct work *work, struct pair *pair, struct tx *tx, struct rx *rx) {
	switch (work->job->mode) {
	case RTT:
		bounce(work, tx, rx);
		break;
	case LOAD:
		send_paced(work, tx);
		break;
	case IDLE:
		watch_idle(work, pair, tx);
		break;
	case FIRST:
		send_one(work, tx, 0);
		break;
	default:
		send_all(work, tx);
	}
}

#endif
