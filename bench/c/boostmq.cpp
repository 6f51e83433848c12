// Boost.Interprocess message_queue: a queue with priorities in named shared memory, guarded by a mutex and condition variables.
//
// All messages have one priority, so it is first in, first out. It copies in and out, and knows no batches. The queue holds as many messages as
// CAP bytes do; the library's own headers come on top.
//
// WAIT=busy: try_send and try_receive in a loop. WAIT=block: send and receive.
#include "job.h"

#include <boost/interprocess/ipc/message_queue.hpp>

#include <new>

#define NAME "boost-mq"

namespace ipc = boost::interprocess;

struct end {
	ipc::message_queue *queue;
	bool block;
};

struct tx {
	struct end end;
};

struct rx {
	struct end end;
	uint8_t *taken;
	size_t room;
};

#include "harness.h"

static struct end created[2]; // the receiving process keeps what it made

static size_t transport_bytes(const struct job *job) {
	if (job->size > job->cap)
		cannot("CAP: got %zu, want room for a message of %zu", job->cap, job->size);
	return 0; // the library makes its own memory
}

static void queue_name(const struct channel *c, char *name, size_t room) {
	char start[64];
	object_name(c->job, start, sizeof start);
	snprintf(name, room, "%s-%d", start, c->direction);
}

static void transport_create(const struct channel *c) {
	char name[80], path[128];
	queue_name(c, name, sizeof name);
	snprintf(path, sizeof path, "/dev/shm/%s", name);
	ipc::message_queue::remove(name); // of a trial of that pid that was killed
	remove_later(path);
	created[c->direction].queue = new ipc::message_queue(ipc::create_only, name, c->job->cap / c->job->size, c->job->size);
}

static struct end open_end(const struct channel *c) {
	struct end end = created[c->direction];
	char name[80];
	queue_name(c, name, sizeof name);
	if (!end.queue)
		end.queue = new ipc::message_queue(ipc::open_only, name);
	end.block = c->job->block;
	return end;
}

static void tx_open(struct tx *tx, const struct channel *c) { tx->end = open_end(c); }

static void rx_open(struct rx *rx, const struct channel *c) {
	rx->end = open_end(c);
	rx->room = rx->end.queue->get_max_msg_size();
	rx->taken = private_buffer(rx->room);
}

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	if (tx->end.block)
		tx->end.queue->send(bytes, size, 0);
	else
		while (!tx->end.queue->try_send(bytes, size, 0))
			relax();
}

static inline void tx_publish(struct tx *tx) { (void)tx; }

static inline void tx_end(struct tx *tx) { (void)tx; }

static inline struct message rx_next(struct rx *rx) {
	ipc::message_queue::size_type size = 0;
	unsigned priority = 0;
	if (rx->end.block)
		rx->end.queue->receive(rx->taken, rx->room, size, priority);
	else
		while (!rx->end.queue->try_receive(rx->taken, rx->room, size, priority))
			relax();
	struct message message = {rx->taken, size};
	return message;
}

static inline void rx_done(struct rx *rx) { (void)rx; }

int main(int argc, char **argv) {
	static struct tx tx;
	static struct rx rx;
	struct ability ability = {ALL_MODES, true, false};
	try {
		return contest(argc, argv, &tx, &rx, ability);
	} catch (const ipc::interprocess_exception &e) {
		die("message_queue: %s", e.what());
	} catch (const std::bad_alloc &e) {
		die("message_queue: %s", e.what());
	}
}
