// What the receiving process does, from the gate on: it measures, and prints. harness.h includes this.
#ifndef BENCH_RECEIVING_H
#define BENCH_RECEIVING_H

static void throughput(struct work *work, struct pair *pair, struct rx *rx) {
	const struct job *job = work->job;
	uint64_t count = job->count;
	for (uint64_t i = 0; i < count; i++) {
		consume(work, rx_next(rx), i);
		rx_done(rx);
	}
	struct span span = stop(pair, count);
	double secs = (double)span.ns / 1e9;
	printf("%s thr size=%zu count=%lu batch=%lu cap=%zu copy=%d secs=%.4f ns_per_msg=%.2f msgs_per_s=%.0f cpu_ns_per_msg=%.2f", NAME, job->size,
	       (unsigned long)count, (unsigned long)job->batch, job->cap, job->copy_out, secs, secs * 1e9 / (double)count, (double)count / secs,
	       span.cpu_per_message);
}

// clock_cost is the median distance of two neighbouring readings of ticks.
static uint64_t clock_cost(void) {
	enum { n = 1001 };
	uint64_t cost[n];
	for (int i = 0; i < n; i++) {
		uint64_t t = ticks();
		cost[i] = ticks() - t;
	}
	qsort(cost, n, sizeof *cost, by_size);
	return cost[n / 2];
}

// round_trips reads the clock once a round trip, the end of one being the start of the next, so each figure holds the cost of one reading; it
// is printed and not subtracted. mean_ns comes from two readings around the whole run.
static void round_trips(struct work *work, struct pair *pair, struct tx *tx, struct rx *rx, uint64_t *took) {
	const struct job *job = work->job;
	uint64_t count = job->count, first = ticks(), last = first;
	for (uint64_t i = 0; i < count; i++) {
		stamp(work->source, job->size, i);
		tx_send(tx, work->source, job->size);
		tx_publish(tx);
		consume(work, rx_next(rx), i);
		rx_done(rx);
		uint64_t now = ticks();
		took[i] = now - last;
		last = now;
	}
	struct span span = stop(pair, count);
	double ns = (double)span.ns, unit = ns / (double)at_least(1, last - first);
	for (uint64_t i = 0; i < count; i++)
		took[i] = (uint64_t)((double)took[i] * unit + 0.5);
	write_samples(job, took);
	printf("%s rtt size=%zu count=%lu cap=%zu copy=%d clock_ns=%.1f mean_ns=%.1f cpu_ns_per_msg=%.2f", NAME, job->size, (unsigned long)count, job->cap,
	       job->copy_out, (double)clock_cost() * unit, ns / (double)count, span.cpu_per_message);
	print_quantiles(job, took);
}

// under_load takes the first message's due time as the start: with it, all others are known.
static void under_load(struct work *work, struct pair *pair, struct rx *rx, uint64_t *took) {
	const struct job *job = work->job;
	uint64_t count = job->count, start = 0;
	for (uint64_t i = 0; i < count; i++) {
		struct message m = rx_next(rx);
		uint64_t now = now_ns();
		if (i == 0 && m.size >= 8)
			start = load_word(m.bytes);
		uint64_t at = due(job, start, i);
		consume(work, m, at);
		rx_done(rx);
		took[i] = now > at ? now - at : 0; // two processes' clocks may be apart by a little
	}
	struct span span = stop(pair, count);
	write_samples(job, took);
	printf("%s load size=%zu count=%lu cap=%zu copy=%d rate=%.0f cpu_ns_per_msg=%.2f", NAME, job->size, (unsigned long)count, job->cap, job->copy_out,
	       (double)count * 1e9 / (double)span.ns, span.cpu_per_message);
	print_quantiles(job, took);
}

// one_message is for idle and first.
static void one_message(struct work *work, struct pair *pair, struct rx *rx) {
	consume(work, rx_next(rx), 0);
	rx_done(rx);
	struct span span = stop(pair, 1);
	if (work->job->mode == FIRST)
		printf("%s first size=%zu first_ns=%lu", NAME, work->job->size, (unsigned long)span.ns);
	else
		printf("%s idle size=%zu ms=%lu cpu_us=%.1f", NAME, work->job->size, (unsigned long)work->job->count,
		       (double)pair->gate->idle_cpu * 1e6 / (double)at_least(1, pair->gate->idle_time));
}

static void receive_job(struct work *work, struct pair *pair, struct tx *tx, struct rx *rx, uint64_t *took) {
	switch (work->job->mode) {
	case RTT:
		round_trips(work, pair, tx, rx, took);
		break;
	case LOAD:
		under_load(work, pair, rx, took);
		break;
	case THR:
		throughput(work, pair, rx);
		break;
	default:
		one_message(work, pair, rx);
	}
}

#endif
