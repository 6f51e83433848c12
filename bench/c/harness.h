// The measured loops, the same for every contestant.
//
// A contestant includes common.h, defines the transport below, then includes this file and calls contest from main:
//
//	NAME                     its name in the output
//	struct tx, struct rx     private state of the two ends, never shared
//	transport_bytes          bytes of shared memory for one direction
//	tx_open, rx_open         attach to that memory, which starts out zero
//	tx_send                  copy one message in; it may stay unpublished, except when the transport is full
//	tx_publish               a batch is complete
//	tx_end                   no message will follow: publish whatever is left
//	rx_next                  wait for the next message and return it in place
//	rx_done                  that message has been used
//
// A message is SIZE bytes. The first eight are its sequence number, the rest a fixed pattern that differs from line to line. The
// consumer checks the number, adds up one word of every cache line wherever the message lies, and compares the sum at the end.
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include "common.h"

struct message {
	const uint8_t *bytes;
	size_t size;
};

struct tx;
struct rx;
static size_t transport_bytes(size_t size, size_t cap);
static void tx_open(struct tx *tx, uint8_t *mem, size_t size, size_t cap);
static void rx_open(struct rx *rx, uint8_t *mem, size_t size, size_t cap);
static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size);
static inline void tx_publish(struct tx *tx);
static inline void tx_end(struct tx *tx);
static inline struct message rx_next(struct rx *rx);
static inline void rx_done(struct rx *rx);

struct run {
	size_t size, cap;
	uint64_t count, batch;
	bool copy_out;
	uint8_t *source;  // the message to send
	uint8_t *private; // where a message is copied to
};

static uint8_t *private_buffer(size_t size) {
	uint8_t *p = aligned_alloc(APART, (size + APART - 1) / APART * APART);
	if (!p)
		die("allocate %zu bytes: %s", size, strerror(errno));
	memset(p, 0, size);
	return p;
}

static void fill_pattern(uint8_t *p, size_t size) {
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(7 + i / LINE * 37);
}

// touch adds up a word of every cache line after the first word. Sixty-four byte steps from word one reach every line but perhaps
// the last, which depends on how the message lies; the last word covers that.
static inline uint64_t touch(const uint8_t *p, size_t size) {
	uint64_t sum = 0;
	for (size_t at = 8; at + 8 <= size; at += LINE)
		sum += load_word(p + at);
	if (size >= 16)
		sum += load_word(p + size - 8);
	return sum;
}

static inline uint64_t consume(const struct run *run, struct message m, uint64_t want) {
	if (__builtin_expect(m.size != run->size, 0))
		die("message %lu: got %zu bytes, want %zu", want, m.size, run->size);
	const uint8_t *p = m.bytes;
	if (run->copy_out)
		p = memcpy(run->private, p, m.size);
	if (__builtin_expect(load_word(p) != want, 0))
		die("out of order: got message %lu, want %lu", load_word(p), want);
	return touch(p, m.size);
}

static void check_sum(const struct run *run, uint64_t sum) {
	fill_pattern(run->private, run->size);
	uint64_t want = run->count * touch(run->private, run->size);
	if (sum != want)
		die("torn message: sum is %#lx, want %#lx", sum, want);
}

static void throughput(struct run *run, struct pair *pair, struct tx *tx, struct rx *rx) {
	if (pair->producer) {
		tx_open(tx, pair->mem, run->size, run->cap);
		meet(pair);
		uint64_t pending = 0;
		for (uint64_t i = 0; i < run->count; i++) {
			store_word(run->source, i);
			tx_send(tx, run->source, run->size);
			if (++pending == run->batch) {
				tx_publish(tx);
				pending = 0;
			}
		}
		tx_end(tx);
		return;
	}
	rx_open(rx, pair->mem, run->size, run->cap);
	uint64_t sum = 0;
	meet(pair);
	uint64_t start = now_ns();
	for (uint64_t i = 0; i < run->count; i++) {
		sum += consume(run, rx_next(rx), i);
		rx_done(rx);
	}
	double secs = (double)(now_ns() - start) / 1e9;
	check_sum(run, sum);
	printf("%s thr size=%zu count=%lu batch=%lu cap=%zu copy=%d secs=%.4f ns_per_msg=%.2f msgs_per_s=%.0f\n", NAME, run->size,
	       run->count, run->batch, run->cap, run->copy_out, secs, secs * 1e9 / (double)run->count, (double)run->count / secs);
}

static int by_size(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
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

// round_trips sends from the consumer's process to the producer's and back. The clock is read once a round trip, the end of one
// being the start of the next, so each figure holds the cost of one reading; it is printed and not subtracted. mean_ns comes from
// two readings around the whole run.
static void round_trips(struct run *run, struct pair *pair, struct tx *tx, struct rx *rx, size_t bytes) {
	uint8_t *there = pair->mem + bytes, *back = pair->mem;
	uint64_t sum = 0;
	if (pair->producer) {
		rx_open(rx, there, run->size, run->cap);
		tx_open(tx, back, run->size, run->cap);
		meet(pair);
		for (uint64_t i = 0; i < run->count; i++) {
			sum += consume(run, rx_next(rx), i);
			rx_done(rx);
			store_word(run->source, i);
			tx_send(tx, run->source, run->size);
			tx_publish(tx);
		}
		check_sum(run, sum);
		return;
	}
	tx_open(tx, there, run->size, run->cap);
	rx_open(rx, back, run->size, run->cap);
	uint64_t *took = (uint64_t *)private_buffer(run->count * sizeof *took);
	uint64_t clock = clock_cost();
	meet(pair);
	uint64_t start = now_ns(), first = ticks(), last = first;
	for (uint64_t i = 0; i < run->count; i++) {
		store_word(run->source, i);
		tx_send(tx, run->source, run->size);
		tx_publish(tx);
		sum += consume(run, rx_next(rx), i);
		rx_done(rx);
		uint64_t now = ticks();
		took[i] = now - last;
		last = now;
	}
	double ns = (double)(now_ns() - start), unit = ns / (double)(last - first);
	check_sum(run, sum);
	qsort(took, run->count, sizeof *took, by_size);
	printf("%s rtt size=%zu count=%lu cap=%zu copy=%d clock_ns=%.1f mean_ns=%.1f p50_ns=%.0f p99_ns=%.0f\n", NAME, run->size, run->count,
	       run->cap, run->copy_out, (double)clock * unit, ns / (double)run->count, (double)took[run->count / 2] * unit,
	       (double)took[run->count * 99 / 100] * unit);
	free(took);
}

static int usage(bool thr, bool rtt) {
	if (thr)
		fprintf(stderr, "usage: %s thr SIZE COUNT [BATCH]\n", NAME);
	if (rtt)
		fprintf(stderr, "usage: %s rtt SIZE COUNT\n", NAME);
	return 2;
}

// contest runs the command line. thr and rtt say what the contestant can do.
static int contest(int argc, char **argv, struct tx *tx, struct rx *rx, bool thr, bool rtt) {
	if (argc < 4 || argc > 5)
		return usage(thr, rtt);
	bool is_thr = thr && strcmp(argv[1], "thr") == 0, is_rtt = rtt && strcmp(argv[1], "rtt") == 0;
	if (!is_thr && !is_rtt)
		return usage(thr, rtt);
	struct run run = {
	    .size = number("SIZE", argv[2]),
	    .cap = env_number("CAP", 4 << 20),
	    .count = number("COUNT", argv[3]),
	    .batch = argc == 5 ? number("BATCH", argv[4]) : 1,
	    .copy_out = env_number("COPY", 0) == 1,
	};
	if (run.size < 8 || run.count == 0 || run.batch == 0)
		die("got SIZE %zu, COUNT %lu, BATCH %lu: want at least 8, 1 and 1", run.size, run.count, run.batch);
	size_t bytes = (transport_bytes(run.size, run.cap) + PAGE - 1) / PAGE * PAGE;
	struct pair pair = split(is_rtt ? 2 * bytes : bytes);
	run.source = private_buffer(run.size);
	run.private = private_buffer(run.size);
	fill_pattern(run.source, run.size);
	if (is_thr)
		throughput(&run, &pair, tx, rx);
	else
		round_trips(&run, &pair, tx, rx, bytes);
	finish(&pair);
	return 0;
}

#endif
