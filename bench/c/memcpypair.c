// What two processes reach that do nothing but copy: one copies blocks of SIZE bytes into a ring of CAP bytes, the other copies them
// out again. No frames, and the least synchronisation that keeps them from overtaking each other: cached indices, published and
// released once per CHUNK bytes (default: an eighth of the ring). BATCH is ignored. The consumer always copies out and checks its
// private copy, so its fair partners are the rings with COPY=1.
#include "job.h"

#define NAME "c-memcpypair"

struct control {
	_Alignas(APART) _Atomic uint64_t written; // blocks since the start
	_Alignas(APART) _Atomic uint64_t read;
};

struct tx {
	struct control *control;
	uint8_t *data;
	uint64_t blocks, chunk, at, written, published, cached_read;
};

struct rx {
	struct control *control;
	uint8_t *data;
	uint64_t blocks, chunk, size, at, read, released, cached_written;
};

#include "harness.h"

static size_t transport_bytes(const struct job *job) {
	if (job->cap / job->size < 2)
		cannot("CAP: got %zu, want room for two blocks of %zu", job->cap, job->size);
	return PAGE + job->cap;
}

static void transport_create(const struct channel *c) { (void)c; }

// chunk_of is how many blocks are published and released at a time.
static uint64_t chunk_of(size_t size, size_t cap) {
	uint64_t blocks = env_number("CHUNK", cap / 8) / size;
	return blocks == 0 ? 1 : blocks;
}

static void tx_open(struct tx *tx, const struct channel *c) {
	size_t size = c->job->size, cap = c->job->cap;
	*tx = (struct tx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .blocks = cap / size, .chunk = chunk_of(size, cap)};
}

static void rx_open(struct rx *rx, const struct channel *c) {
	size_t size = c->job->size, cap = c->job->cap;
	*rx = (struct rx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .blocks = cap / size, .chunk = chunk_of(size, cap), .size = size};
}

static inline void tx_end(struct tx *tx) {
	atomic_store_explicit(&tx->control->written, tx->written, memory_order_release);
	tx->published = tx->written;
}

static inline void tx_publish(struct tx *tx) {
	if (tx->written - tx->published >= tx->chunk)
		tx_end(tx);
}

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	while (tx->written - tx->cached_read == tx->blocks) {
		tx->cached_read = atomic_load_explicit(&tx->control->read, memory_order_acquire);
		if (tx->written - tx->cached_read != tx->blocks)
			break;
		// The number of blocks need not be a whole number of chunks, so a full ring may hold an unpublished rest.
		if (tx->published != tx->written)
			tx_end(tx);
		relax();
	}
	memcpy(tx->data + tx->at * size, bytes, size);
	tx->written++;
	if (++tx->at == tx->blocks)
		tx->at = 0;
}

static inline void release(struct rx *rx) {
	atomic_store_explicit(&rx->control->read, rx->read, memory_order_release);
	rx->released = rx->read;
}

static inline struct message rx_next(struct rx *rx) {
	if (rx->read == rx->cached_written) {
		if (rx->released != rx->read)
			release(rx);
		for (;;) {
			rx->cached_written = atomic_load_explicit(&rx->control->written, memory_order_acquire);
			if (rx->read != rx->cached_written)
				break;
			relax();
		}
	}
	return (struct message){rx->data + rx->at * rx->size, rx->size};
}

static inline void rx_done(struct rx *rx) {
	rx->read++;
	if (++rx->at == rx->blocks)
		rx->at = 0;
	if (rx->read - rx->released >= rx->chunk)
		release(rx);
}

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	setenv("COPY", "1", 1);
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = THR}); // it publishes too seldom for the others
}
