// The measured loops, the same for every contestant.
//
// A contestant includes job.h, defines the transport below, then includes this file and calls contest from main:
//
//	NAME              its name in the output
//	struct tx, rx     private state of the two ends, never shared
//	transport_bytes   bytes of shared memory for one direction, or cannot: called first, before there is a second process
//	transport_create  make the objects of a direction: called in the receiving process, before any end is opened
//	tx_open, rx_open  attach to them
//	tx_send           copy one message in; it may stay unpublished, except when the transport is full
//	tx_publish        a batch is complete
//	tx_end            no message will follow: publish whatever is left
//	rx_next           wait for the next message and return it, in place if possible
//	rx_done           that message has been used
//
// Nothing is closed: the end of the processes does that. Files and names that should go are registered with remove_later.
//
// DAMAGE is for tests of the checks in the mode thr: from the middle on, the messages are torn, hold the content of an earlier one
// (stale), come in the wrong order or are lost, or the sending process dies.
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include "figures.h"
#include "message.h"
#include "process.h"

// struct channel is one direction: 0 leads from the sending process to the receiving one, 1 back.
struct channel {
	const struct job *job;
	uint8_t *mem; // transport_bytes of shared memory, page aligned, zero at the start
	int direction;
};

struct tx;
struct rx;
static size_t transport_bytes(const struct job *job);
static void transport_create(const struct channel *channel);
static void tx_open(struct tx *tx, const struct channel *channel);
static void rx_open(struct rx *rx, const struct channel *channel);
static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size);
static inline void tx_publish(struct tx *tx);
static inline void tx_end(struct tx *tx);
static inline struct message rx_next(struct rx *rx);
static inline void rx_done(struct rx *rx);

#include "receiving.h"
#include "sending.h"

static struct channel channel_at(const struct job *job, uint8_t *mem, size_t bytes, int direction) {
	struct channel channel = {job, mem ? mem + (size_t)direction * bytes : NULL, direction};
	return channel;
}

// create makes the objects in the receiving process, and passes on the segment, if there is one.
static uint8_t *create(const struct job *job, struct pair *pair, size_t bytes) {
	int directions = job->mode == RTT ? 2 : 1, fd = -1;
	uint8_t *mem = NULL;
	if (bytes) {
		fd = new_segment(bytes * (size_t)directions);
		pass_descriptor(pair, fd);
		mem = map_segment(fd, bytes * (size_t)directions, job->mode != FIRST);
	}
	for (int direction = 0; direction < directions; direction++) {
		struct channel channel = channel_at(job, mem, bytes, direction);
		transport_create(&channel);
	}
	store_release(&pair->gate->offered, 1u);
	return mem;
}

static void sending_process(const struct job *job, struct pair *pair, struct tx *tx, struct rx *rx, size_t bytes) {
	struct work work = prepare(job);
	if (job->mode == FIRST)
		meet(pair);
	uint8_t *mem = NULL;
	await(&pair->gate->offered);
	if (bytes)
		mem = map_segment(take_descriptor(pair), bytes * (job->mode == RTT ? 2 : 1), job->mode != FIRST);
	struct channel there = channel_at(job, mem, bytes, 0), back = channel_at(job, mem, bytes, 1);
	tx_open(tx, &there);
	if (job->mode == RTT)
		rx_open(rx, &back);
	if (job->mode != FIRST)
		meet(pair);
	send_job(&work, pair, tx, rx);
	await_end(pair);
	finish(pair);
}

static void receiving_process(const struct job *job, struct pair *pair, struct tx *tx, struct rx *rx, size_t bytes) {
	struct work work = prepare(job);
	uint64_t *took = (uint64_t *)private_buffer(job->mode == RTT || job->mode == LOAD ? job->count * sizeof *took : 8);
	if (job->mode == FIRST)
		meet(pair);
	uint8_t *mem = create(job, pair, bytes);
	struct channel there = channel_at(job, mem, bytes, 0), back = channel_at(job, mem, bytes, 1);
	rx_open(rx, &there);
	if (job->mode == RTT)
		tx_open(tx, &back);
	if (job->mode != FIRST)
		meet(pair);
	receive_job(&work, pair, tx, rx, took);
	finish(pair);
	end_line();
	free(took);
}

// contest runs the command line.
static int contest(int argc, char **argv, struct tx *tx, struct rx *rx, struct ability ability) {
	struct job job = parse_job(NAME, argc, argv, ability);
	size_t bytes = (transport_bytes(&job) + PAGE - 1) / PAGE * PAGE;
	struct pair pair = split(&job);
	if (pair.producer)
		sending_process(&job, &pair, tx, rx, bytes);
	else
		receiving_process(&job, &pair, tx, rx, bytes);
	return 0;
}

#endif
