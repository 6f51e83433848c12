// The floor: how long a cache line takes there and back.
//
//	pingpong rtt [SIZE] COUNT  one message each way in a fixed place; no ring, no indices
//	pingpong floor COUNT       a bare flag each way; prints the median of batches of 1,000 round trips
//
// In rtt the sequence number, which is the first word of every message, is itself the flag: the sender writes the other bytes first
// and stores that word last, with release. So a message of up to 64 bytes is exactly one line, flag and payload together, and a
// longer one takes SIZE/64 lines, rounded up. The two directions are on separate lines.
#include "job.h"

#define NAME "c-pingpong"

struct tx {
	uint8_t *line;
};

struct rx {
	uint8_t *line;
	size_t size;
	uint64_t last;
};

#include "harness.h"

static size_t transport_bytes(const struct job *job) { return job->size; }

// The first word says at the start that there is no message: zero is the number of the first one.
static void transport_create(const struct channel *c) { atomic_store_explicit((_Atomic uint64_t *)c->mem, UINT64_MAX, memory_order_relaxed); }

static void tx_open(struct tx *tx, const struct channel *c) { tx->line = c->mem; }

static void rx_open(struct rx *rx, const struct channel *c) { *rx = (struct rx){.line = c->mem, .size = c->job->size, .last = UINT64_MAX}; }

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	memcpy(tx->line + 8, bytes + 8, size - 8);
	atomic_store_explicit((_Atomic uint64_t *)tx->line, load_word(bytes), memory_order_release);
}

static inline void tx_publish(struct tx *tx) { (void)tx; }

static inline void tx_end(struct tx *tx) { (void)tx; }

static inline struct message rx_next(struct rx *rx) {
	uint64_t number;
	while ((number = atomic_load_explicit((_Atomic uint64_t *)rx->line, memory_order_acquire)) == rx->last)
		relax();
	rx->last = number;
	return (struct message){rx->line, rx->size};
}

static inline void rx_done(struct rx *rx) { (void)rx; }

struct flags {
	_Alignas(APART) _Atomic uint64_t there;
	_Alignas(APART) _Atomic uint64_t back;
};

static inline void await_flag(_Atomic uint64_t *flag, uint64_t want) {
	while (atomic_load_explicit(flag, memory_order_acquire) != want)
		relax();
}

// bare_floor has no clock inside a batch, so its figure holds the cost of nothing else.
static int bare_floor(uint64_t count) {
	if (count == 0)
		misuse("got COUNT 0: want at least 1");
	uint64_t per_batch = count < 1000 ? count : 1000, batches = count / per_batch;
	struct job job = {.mode = RTT, .started = getpid(), .unpinned = env_number("UNPINNED", 0) == 1};
	int fd = new_segment(sizeof(struct flags));
	struct pair pair = split(&job);
	// Each side maps the segment for itself: page tables of a shared mapping are not inherited over fork.
	struct flags *flags = (struct flags *)map_segment(fd, sizeof *flags, true);
	if (pair.producer) {
		meet(&pair);
		for (uint64_t i = 1; i <= batches * per_batch; i++) {
			await_flag(&flags->there, i);
			atomic_store_explicit(&flags->back, i, memory_order_release);
		}
		finish(&pair);
	}
	uint64_t *took = (uint64_t *)private_buffer(batches * sizeof *took);
	meet(&pair);
	for (uint64_t b = 0, i = 0; b < batches; b++) {
		uint64_t start = now_ns();
		for (uint64_t end = i + per_batch; i < end;) {
			atomic_store_explicit(&flags->there, ++i, memory_order_release);
			await_flag(&flags->back, i);
		}
		took[b] = now_ns() - start;
	}
	qsort(took, batches, sizeof *took, by_size);
	double each = (double)per_batch;
	printf("%s floor count=%lu batches=%lu min_ns=%.1f max_ns=%.1f rtt_ns=%.1f", NAME, batches * per_batch, batches,
	       (double)took[0] / each, (double)took[batches - 1] / each, (double)took[batches / 2] / each);
	free(took);
	finish(&pair);
	end_line();
	return 0;
}

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	struct ability ability = {.modes = RTT | IDLE | FIRST}; // a place for one message: it takes an answer to write there again
	if (argc == 3 && strcmp(argv[1], "floor") == 0)
		return bare_floor(number("COUNT", argv[2]));
	if (argc == 3 && strcmp(argv[1], "rtt") == 0) { // SIZE may be left out
		char *with_size[] = {argv[0], argv[1], "64", argv[2], NULL};
		return contest(4, with_size, &tx, &rx, ability);
	}
	if (argc < 4)
		fprintf(stderr, "usage: %s floor COUNT\n", NAME);
	return contest(argc, argv, &tx, &rx, ability);
}
