// Messages, and how they are checked: bench/README.md.
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include "common.h"
#include "job.h"

struct message {
	const uint8_t *bytes;
	size_t size;
};

// struct work is one side's private memory for a job.
struct work {
	const struct job *job;
	uint8_t *source;  // the message to send
	uint8_t *copy;    // where a message is copied to
	uint64_t pending; // messages of a batch that is not complete
};

// private_buffer is memory that no page fault will hit any more.
static uint8_t *private_buffer(size_t size) {
	uint8_t *p = (uint8_t *)aligned_alloc(APART, (size + APART - 1) / APART * APART);
	if (!p)
		die("allocate %zu bytes: %s", size, strerror(errno));
	memset(p, 1, size);
	return p;
}

static void fill_pattern(uint8_t *p, size_t size) {
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(7 + i / LINE * 37);
}

static struct work prepare(const struct job *job) {
	struct work work = {job, private_buffer(job->size), private_buffer(job->size), 0};
	fill_pattern(work.source, job->size);
	return work;
}

// touch adds up a word of every cache line after the first word. Steps of a line from word one reach every line but perhaps the last,
// which depends on how the message lies; the last word covers that.
static inline uint64_t touch(const uint8_t *p, size_t size) {
	uint64_t sum = 0;
	for (size_t at = 8; at + 8 <= size; at += LINE)
		sum += load_word(p + at);
	if (size >= 16)
		sum += load_word(p + size - 8);
	return sum;
}

// consume checks a message, whose first word should be want, and returns the sum of its other words.
static inline uint64_t consume(const struct work *work, struct message m, uint64_t want) {
	if (unlikely(m.size != work->job->size))
		die("message %lu: got %zu bytes, want %zu", (unsigned long)want, m.size, work->job->size);
	const uint8_t *p = m.bytes;
	if (work->job->copy_out)
		p = (const uint8_t *)memcpy(work->copy, p, m.size);
	if (unlikely(load_word(p) != want))
		die("out of order: got message %lu, want %lu", (unsigned long)load_word(p), (unsigned long)want);
	return touch(p, m.size);
}

static void check_sum(const struct work *work, uint64_t sum, uint64_t count) {
	fill_pattern(work->copy, work->job->size);
	uint64_t want = count * touch(work->copy, work->job->size);
	if (sum != want)
		die("torn message: sum is %#lx, want %#lx", (unsigned long)sum, (unsigned long)want);
}

// due is when message i of a load is due. Both sides reckon alike, so that a message's due time stands for its number.
static inline uint64_t due(const struct job *job, uint64_t start, uint64_t i) {
	return start + (uint64_t)((double)i * 1e9 / (double)job->rate);
}

#endif
