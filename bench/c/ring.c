// The textbook single-producer single-consumer byte ring: frames of any length, shared head and tail a line apart, each side with a
// cached copy of the other's index. No back-off beyond a PAUSE, no validation, no sleeping.
//
// A frame is a length of eight bytes and the message, rounded up to eight bytes. A frame never wraps: a length of all ones says that
// the rest of the lap is padding. The producer publishes with a release store of the tail.
//
// Credit: by default the consumer stores the head after each message. The line stays in its own cache until the producer runs out of
// cached credit, so the store is nearly free. CREDIT=view stores it only when the cached view of the tail is used up or an eighth of
// the ring is due.
#include "job.h"

#define NAME "c-ring"
#define PADDING UINT64_MAX
enum { header_bytes = 8 };

struct control {
	_Alignas(APART) _Atomic uint64_t tail;
	_Alignas(APART) _Atomic uint64_t head;
};

struct tx {
	struct control *control;
	uint8_t *data;
	uint64_t cap, tail, published, cached_head;
};

struct rx {
	struct control *control;
	uint8_t *data;
	uint64_t cap, head, released, cached_tail;
	bool by_view;
};

#include "harness.h"

static inline uint64_t frame_bytes(uint64_t size) { return (header_bytes + size + 7) & ~(uint64_t)7; }

static size_t transport_bytes(const struct job *job) {
	// Padding may be as long as the frame that did not fit.
	if (job->cap < PAGE || (job->cap & (job->cap - 1)) || 2 * frame_bytes(job->size) > job->cap)
		cannot("CAP: got %zu, want a power of two, at least %d and twice a frame of %lu", job->cap, PAGE, frame_bytes(job->size));
	return PAGE + job->cap;
}

static void transport_create(const struct channel *c) { (void)c; }

static void tx_open(struct tx *tx, const struct channel *c) {
	*tx = (struct tx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .cap = c->job->cap};
}

static void rx_open(struct rx *rx, const struct channel *c) {
	const char *credit = getenv("CREDIT");
	*rx = (struct rx){.control = (struct control *)c->mem, .data = c->mem + PAGE, .cap = c->job->cap};
	rx->by_view = credit && strcmp(credit, "view") == 0;
}

static inline void tx_publish(struct tx *tx) {
	atomic_store_explicit(&tx->control->tail, tx->tail, memory_order_release);
	tx->published = tx->tail;
}

static inline void tx_end(struct tx *tx) { tx_publish(tx); }

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	uint64_t frame = frame_bytes(size), at = tx->tail & (tx->cap - 1);
	uint64_t padding = at + frame > tx->cap ? tx->cap - at : 0;
	while (tx->tail + padding + frame - tx->cached_head > tx->cap) {
		tx->cached_head = atomic_load_explicit(&tx->control->head, memory_order_acquire);
		if (tx->tail + padding + frame - tx->cached_head <= tx->cap)
			break;
		// A batch larger than the ring must not wait for itself.
		if (tx->published != tx->tail)
			tx_publish(tx);
		relax();
	}
	if (padding) {
		store_word(tx->data + at, PADDING);
		tx->tail += padding;
		at = 0;
	}
	store_word(tx->data + at, size);
	memcpy(tx->data + at + header_bytes, bytes, size);
	tx->tail += frame;
}

static inline void release(struct rx *rx) {
	atomic_store_explicit(&rx->control->head, rx->head, memory_order_release);
	rx->released = rx->head;
}

static inline struct message rx_next(struct rx *rx) {
	if (rx->head == rx->cached_tail) {
		if (rx->released != rx->head)
			release(rx);
		for (;;) {
			rx->cached_tail = atomic_load_explicit(&rx->control->tail, memory_order_acquire);
			if (rx->cached_tail != rx->head)
				break;
			relax();
		}
	}
	uint64_t at = rx->head & (rx->cap - 1), size = load_word(rx->data + at);
	if (size == PADDING) {
		rx->head += rx->cap - at;
		at = 0;
		size = load_word(rx->data);
	}
	rx->head += frame_bytes(size);
	return (struct message){rx->data + at + header_bytes, size};
}

static inline void rx_done(struct rx *rx) {
	if (!rx->by_view || rx->head - rx->released >= rx->cap / 8)
		release(rx);
}

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES});
}
