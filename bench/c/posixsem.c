// The other textbook queue: slots in shared memory, and two POSIX semaphores that count the empty and the full ones.
//
// A slot is its owner's until it posts, so a message is read in place. Semaphores count one at a time, so batches change nothing. But the receiver
// takes what is there, up to 64 messages, before it reads, and gives the slots back when it has read them: so the line of a semaphore goes over
// once for several steps, as with readers of streams, who take 64 KiB at once.
//
// WAIT=busy: sem_trywait in a loop.
#include "job.h"

#include <limits.h>
#include <semaphore.h>

#define NAME "c-posixsem"

enum { taken_most = 64 };

struct control {
	ON_ITS_OWN sem_t empty;
	ON_ITS_OWN sem_t full;
};

struct end {
	struct control *control;
	uint8_t *data;
	uint64_t slot, slots, at;
	bool block;
};

struct tx {
	struct end end;
};

struct rx {
	struct end end;
	size_t size;
	unsigned have, used;
};

#include "harness.h"

static uint64_t slots_of(const struct job *job) { return job->cap / slot_lines(job->size); }

static size_t transport_bytes(const struct job *job) {
	if (slots_of(job) < 1 || slots_of(job) > INT_MAX)
		cannot("CAP: got %zu, want room for 1 to %d slots of %zu", job->cap, INT_MAX, slot_lines(job->size));
	return PAGE + job->cap;
}

static void transport_create(const struct channel *c) {
	struct control *control = (struct control *)c->mem;
	if (sem_init(&control->empty, 1, (unsigned)slots_of(c->job)) != 0 || sem_init(&control->full, 1, 0) != 0)
		die("sem_init: %s", strerror(errno));
}

static struct end open_end(const struct channel *c) {
	return (struct end){.control = (struct control *)c->mem, .data = c->mem + PAGE, .slot = slot_lines(c->job->size), .slots = slots_of(c->job),
			    .block = c->job->block};
}

static void tx_open(struct tx *tx, const struct channel *c) { *tx = (struct tx){open_end(c)}; }

static void rx_open(struct rx *rx, const struct channel *c) { *rx = (struct rx){.end = open_end(c), .size = c->job->size}; }

static inline void take(const struct end *end, sem_t *semaphore) {
	while ((end->block ? sem_wait(semaphore) : sem_trywait(semaphore)) != 0) {
		if (unlikely(errno != EAGAIN && errno != EINTR))
			die("wait for a semaphore: %s", strerror(errno));
		if (!end->block)
			relax();
	}
}

static inline void give(sem_t *semaphore) {
	if (unlikely(sem_post(semaphore) != 0))
		die("sem_post: %s", strerror(errno));
}

static inline void advance(struct end *end) {
	if (++end->at == end->slots)
		end->at = 0;
}

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	take(&tx->end, &tx->end.control->empty);
	memcpy(tx->end.data + tx->end.at * tx->end.slot, bytes, size);
	advance(&tx->end);
	give(&tx->end.control->full);
}

static inline void tx_publish(struct tx *tx) { (void)tx; }

static inline void tx_end(struct tx *tx) { (void)tx; }

static inline struct message rx_next(struct rx *rx) {
	if (rx->used == rx->have) {
		while (rx->used > 0) {
			give(&rx->end.control->empty);
			rx->used--;
		}
		take(&rx->end, &rx->end.control->full);
		rx->have = 1;
		while (rx->have < taken_most && sem_trywait(&rx->end.control->full) == 0)
			rx->have++;
	}
	return (struct message){rx->end.data + rx->end.at * rx->end.slot, rx->size};
}

static inline void rx_done(struct rx *rx) {
	advance(&rx->end);
	rx->used++;
}

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES, .blocks = true});
}
