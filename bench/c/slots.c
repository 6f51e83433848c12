// A single-producer single-consumer queue of fixed slots with cached indices, after the well-known C++ design: one slot stays free to
// tell full from empty, indices wrap by comparison, so the number of slots need not be a power of two.
//
// There is no frame header: the size is known to both sides. A slot is SIZE rounded up to a cache line; PACKED=1 rounds to eight bytes
// instead, as an array of a small type would.
#include "job.h"

#define NAME "c-slots"

struct control {
	_Alignas(APART) _Atomic uint64_t write;
	_Alignas(APART) _Atomic uint64_t read;
};

struct tx {
	struct control *control;
	uint8_t *data;
	uint64_t slot, slots, write, published, cached_read;
};

struct rx {
	struct control *control;
	uint8_t *data;
	uint64_t slot, slots, size, read, cached_write;
};

#include "harness.h"

static uint64_t slot_bytes(uint64_t size) {
	uint64_t unit = env_number("PACKED", 0) == 1 ? 8 : LINE;
	return (size + unit - 1) / unit * unit;
}

static size_t transport_bytes(const struct job *job) {
	if (job->cap / slot_bytes(job->size) < 2)
		cannot("CAP: got %zu, want room for two slots of %lu", job->cap, slot_bytes(job->size));
	return PAGE + job->cap;
}

static void transport_create(const struct channel *c) { (void)c; }

static void tx_open(struct tx *tx, const struct channel *c) {
	uint64_t slot = slot_bytes(c->job->size);
	*tx = (struct tx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .slot = slot, .slots = c->job->cap / slot};
}

static void rx_open(struct rx *rx, const struct channel *c) {
	uint64_t slot = slot_bytes(c->job->size);
	*rx = (struct rx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .slot = slot, .slots = c->job->cap / slot, .size = c->job->size};
}

static inline void tx_publish(struct tx *tx) {
	atomic_store_explicit(&tx->control->write, tx->write, memory_order_release);
	tx->published = tx->write;
}

static inline void tx_end(struct tx *tx) { tx_publish(tx); }

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	uint64_t next = tx->write + 1;
	if (next == tx->slots)
		next = 0;
	while (next == tx->cached_read) {
		tx->cached_read = atomic_load_explicit(&tx->control->read, memory_order_acquire);
		if (next != tx->cached_read)
			break;
		if (tx->published != tx->write)
			tx_publish(tx);
		relax();
	}
	memcpy(tx->data + tx->write * tx->slot, bytes, size);
	tx->write = next;
}

static inline struct message rx_next(struct rx *rx) {
	while (rx->read == rx->cached_write) {
		rx->cached_write = atomic_load_explicit(&rx->control->write, memory_order_acquire);
		if (rx->read != rx->cached_write)
			break;
		relax();
	}
	return (struct message){rx->data + rx->read * rx->slot, rx->size};
}

static inline void rx_done(struct rx *rx) {
	if (++rx->read == rx->slots)
		rx->read = 0;
	atomic_store_explicit(&rx->control->read, rx->read, memory_order_release);
}

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES});
}
