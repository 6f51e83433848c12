// The textbook queue: a ring of slots guarded by a mutex and two condition variables, all in shared memory.
//
// Messages are copied in and out under the lock, so it would serve any number of senders and receivers. Whoever is about to wait leaves a
// flag, and the other side signals only if it finds one. A batch is sent under one lock. The receiver takes what is there under one lock, up to
// 64 messages or 64 KiB, as readers of streams do, and more if a batch has more. The mutex is robust: the death of its owner is an error here,
// not a wait without end.
//
// WAIT=busy: whoever has nothing to do polls the other's counter without the lock, and takes the lock by trying.
#include "job.h"

#include <pthread.h>

#define NAME "c-mutex"

enum { taken_most = 64, taken_bytes = 64 << 10 }; // at once, whatever the batch

struct control {
	ON_ITS_OWN pthread_mutex_t lock;
	ON_ITS_OWN pthread_cond_t not_empty;
	ON_ITS_OWN pthread_cond_t not_full;
	ON_ITS_OWN _Atomic uint64_t written; // messages since the start; guarded by lock, like all below
	_Atomic uint64_t read;
	bool receiver_waits, sender_waits;
};

// struct end is what both ends know.
struct end {
	struct control *control;
	uint8_t *data;
	uint64_t slot, slots;
	bool block;
};

struct tx {
	struct end end;
	bool locked;
};

struct rx {
	struct end end;
	uint8_t *taken; // messages that were copied out
	uint64_t most, have, used;
	size_t size;
};

#include "harness.h"

static uint64_t slot_bytes(size_t size) { return (size + 7) / 8 * 8; }

static size_t transport_bytes(const struct job *job) {
	_Static_assert(sizeof(struct control) <= PAGE, "the control block is one page");
	if (slot_bytes(job->size) > job->cap)
		cannot("CAP: got %zu, want room for a slot of %lu", job->cap, slot_bytes(job->size));
	return PAGE + job->cap;
}

static void check(int error, const char *what) {
	if (error)
		die("%s: %s", what, strerror(error));
}

static void transport_create(const struct channel *c) {
	struct control *control = (struct control *)c->mem;
	pthread_mutexattr_t mutex;
	pthread_condattr_t condition;
	check(pthread_mutexattr_init(&mutex), "pthread_mutexattr_init");
	check(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED), "pthread_mutexattr_setpshared");
	check(pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST), "pthread_mutexattr_setrobust");
	check(pthread_mutex_init(&control->lock, &mutex), "pthread_mutex_init");
	check(pthread_condattr_init(&condition), "pthread_condattr_init");
	check(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED), "pthread_condattr_setpshared");
	check(pthread_cond_init(&control->not_empty, &condition), "pthread_cond_init");
	check(pthread_cond_init(&control->not_full, &condition), "pthread_cond_init");
}

static struct end open_end(const struct channel *c) {
	uint64_t slot = slot_bytes(c->job->size);
	return (struct end){.control = (struct control *)c->mem, .data = c->mem + PAGE, .slot = slot, .slots = c->job->cap / slot, .block = c->job->block};
}

static void tx_open(struct tx *tx, const struct channel *c) { *tx = (struct tx){.end = open_end(c)}; }

static void rx_open(struct rx *rx, const struct channel *c) {
	uint64_t slot = slot_bytes(c->job->size), most = at_least(1, at_most(taken_most, taken_bytes / slot));
	most = at_most(c->job->cap / slot, at_least(c->job->batch, most));
	*rx = (struct rx){.end = open_end(c), .taken = private_buffer(most * slot), .most = most, .size = c->job->size};
}

// owned ends the trial if the lock's last owner died: what it guards may be half done.
__attribute__((cold, noinline)) static void not_owned(struct control *control, int error) {
	if (error == EOWNERDEAD) {
		pthread_mutex_consistent(&control->lock);
		pthread_mutex_unlock(&control->lock);
		die("the other process died while it held the lock");
	}
	die("take the lock: %s", strerror(error));
}

static inline void lock(const struct end *end) {
	struct control *control = end->control;
	int error;
	if (end->block)
		error = pthread_mutex_lock(&control->lock);
	else
		while ((error = pthread_mutex_trylock(&control->lock)) == EBUSY)
			relax();
	if (unlikely(error))
		not_owned(control, error);
}

static inline void unlock(const struct end *end) {
	int error = pthread_mutex_unlock(&end->control->lock);
	if (unlikely(error))
		die("release the lock: %s", strerror(error));
}

// wait_for returns, with the lock, when counter may have changed.
static void wait_for(const struct end *end, pthread_cond_t *condition, bool *flag, _Atomic uint64_t *counter) {
	if (end->block) {
		*flag = true;
		int error = pthread_cond_wait(condition, &end->control->lock);
		if (unlikely(error))
			not_owned(end->control, error);
		return;
	}
	uint64_t seen = atomic_load_explicit(counter, memory_order_relaxed);
	unlock(end);
	while (atomic_load_explicit(counter, memory_order_relaxed) == seen)
		relax();
	lock(end);
}

// take_flag says whether the other side is to be signalled. It is called with the lock; the signal may come later.
static inline bool take_flag(bool *flag) {
	bool set = *flag;
	*flag = false;
	return set;
}

// get and put reach a counter that is guarded by the lock.
static inline uint64_t get(_Atomic uint64_t *counter) { return atomic_load_explicit(counter, memory_order_relaxed); }
static inline void put(_Atomic uint64_t *counter, uint64_t v) { atomic_store_explicit(counter, v, memory_order_relaxed); }

static inline void tx_publish(struct tx *tx) {
	struct control *control = tx->end.control;
	if (!tx->locked)
		return;
	bool wake = take_flag(&control->receiver_waits);
	tx->locked = false;
	unlock(&tx->end);
	if (wake)
		check(pthread_cond_signal(&control->not_empty), "pthread_cond_signal");
}

static inline void tx_end(struct tx *tx) { tx_publish(tx); }

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	struct control *control = tx->end.control;
	if (!tx->locked)
		lock(&tx->end);
	tx->locked = true;
	uint64_t at = get(&control->written);
	while (unlikely(at - get(&control->read) == tx->end.slots)) {
		if (take_flag(&control->receiver_waits)) // of a batch that is larger than the ring
			check(pthread_cond_signal(&control->not_empty), "pthread_cond_signal");
		wait_for(&tx->end, &control->not_full, &control->sender_waits, &control->read);
	}
	memcpy(tx->end.data + at % tx->end.slots * tx->end.slot, bytes, size);
	put(&control->written, at + 1);
}

static void take(struct rx *rx) {
	struct control *control = rx->end.control;
	lock(&rx->end);
	uint64_t at = get(&control->read), have;
	while ((have = get(&control->written) - at) == 0)
		wait_for(&rx->end, &control->not_empty, &control->receiver_waits, &control->written);
	have = at_most(rx->most, have);
	for (uint64_t i = 0; i < have; i++)
		memcpy(rx->taken + i * rx->end.slot, rx->end.data + (at + i) % rx->end.slots * rx->end.slot, rx->size);
	put(&control->read, at + have);
	bool wake = take_flag(&control->sender_waits);
	unlock(&rx->end);
	if (wake)
		check(pthread_cond_signal(&control->not_full), "pthread_cond_signal");
	rx->have = have;
	rx->used = 0;
}

static inline struct message rx_next(struct rx *rx) {
	if (rx->used == rx->have)
		take(rx);
	return (struct message){rx->taken + rx->used * rx->end.slot, rx->size};
}

static inline void rx_done(struct rx *rx) { rx->used++; }

int main(int argc, char **argv) {
	static _Alignas(APART) struct tx tx;
	static _Alignas(APART) struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES, .blocks = true});
}
