// DPDK's rte_ring between two processes, which carries offsets of slots, as it carries pointers to packet buffers in DPDK.
//
// One ring leads to the receiver, the other returns free slots, as a memory pool does. Both have a single producer and a single consumer, and
// lie in a segment of our own: rte_ring_init works on any memory, without DPDK's environment and its huge pages. As is usual there, the
// receiver takes and returns bursts of up to 32, and the sender takes free slots in bursts of up to 32. It enqueues a batch at once.
#include "job.h"

#include <rte_ring.h>

#define NAME "dpdk-ring"

enum { burst = 32, slots_most = 1 << 24 };

// struct rings is where everything of a channel lies.
struct rings {
	struct rte_ring *full, *empty;
	uint8_t *data;
	size_t bytes; // of all
	uint64_t slot, slots;
};

struct tx {
	struct rings rings;
	uint64_t batch;
	unsigned have, pending;
	void *free[burst];
	void *filled[burst];
};

struct rx {
	struct rings rings;
	unsigned have, used;
	size_t size;
	void *taken[burst];
};

#include "harness.h"

static size_t pages(size_t bytes) { return (bytes + PAGE - 1) / PAGE * PAGE; }

// ring_entries is the number of entries that a ring needs: a power of two, of which one stays free.
static unsigned ring_entries(uint64_t slots) {
	unsigned entries = 2;
	while (entries - 1 < slots)
		entries *= 2;
	return entries;
}

static struct rings layout(const struct job *job, uint8_t *mem) {
	struct rings r = {.slot = slot_lines(job->size)};
	r.slots = job->cap / r.slot;
	if (r.slots < 1 || r.slots > slots_most)
		cannot("CAP: got %zu, want room for 1 to %d slots of %lu", job->cap, slots_most, r.slot);
	ssize_t ring = rte_ring_get_memsize(ring_entries(r.slots));
	if (ring < 0)
		die("rte_ring_get_memsize: %s", strerror((int)-ring));
	r.full = (struct rte_ring *)mem;
	r.empty = (struct rte_ring *)(mem + pages((size_t)ring));
	r.data = mem + 2 * pages((size_t)ring);
	r.bytes = 2 * pages((size_t)ring) + r.slots * r.slot;
	return r;
}

static size_t transport_bytes(const struct job *job) { return layout(job, NULL).bytes; }

static void make_ring(struct rte_ring *ring, const char *name, uint64_t slots) {
	int error = rte_ring_init(ring, name, ring_entries(slots), RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (error)
		die("rte_ring_init: %s", strerror(-error));
}

static void transport_create(const struct channel *c) {
	struct rings r = layout(c->job, c->mem);
	make_ring(r.full, "full", r.slots);
	make_ring(r.empty, "empty", r.slots);
	for (uint64_t i = 0; i < r.slots; i++)
		if (rte_ring_sp_enqueue(r.empty, (void *)(uintptr_t)(i * r.slot)) != 0)
			die("fill the ring of free slots: it holds %lu of %lu", i, r.slots);
}

static void tx_open(struct tx *tx, const struct channel *c) { *tx = (struct tx){.rings = layout(c->job, c->mem), .batch = c->job->batch}; }

static void rx_open(struct rx *rx, const struct channel *c) { *rx = (struct rx){.rings = layout(c->job, c->mem), .size = c->job->size}; }

// enqueue never finds a ring full: each has room for all slots.
static inline void enqueue(struct rte_ring *ring, void *const *slots, unsigned n) {
	if (unlikely(n && rte_ring_sp_enqueue_bulk(ring, slots, n, NULL) != n))
		die("enqueue %u slots: the ring is full", n);
}

static inline void tx_publish(struct tx *tx) {
	enqueue(tx->rings.full, tx->filled, tx->pending);
	tx->pending = 0;
}

static inline void tx_end(struct tx *tx) { tx_publish(tx); }

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	while (tx->have == 0) {
		tx->have = rte_ring_sc_dequeue_burst(tx->rings.empty, tx->free, burst, NULL);
		if (likely(tx->have))
			break;
		tx_publish(tx); // a batch must not wait for itself
		relax();
	}
	void *slot = tx->free[--tx->have];
	memcpy(tx->rings.data + (uintptr_t)slot, bytes, size);
	tx->filled[tx->pending++] = slot;
	if (unlikely(tx->pending == burst))
		tx_publish(tx);
}

static inline struct message rx_next(struct rx *rx) {
	if (rx->used == rx->have) {
		enqueue(rx->rings.empty, rx->taken, rx->have);
		rx->used = 0;
		while ((rx->have = rte_ring_sc_dequeue_burst(rx->rings.full, rx->taken, burst, NULL)) == 0)
			relax();
	}
	return (struct message){rx->rings.data + (uintptr_t)rx->taken[rx->used], rx->size};
}

static inline void rx_done(struct rx *rx) { rx->used++; }

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES});
}
