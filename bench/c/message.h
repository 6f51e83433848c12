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

// stamp writes a message's number to its first word, to every 64th byte from there and to its last word: so every cache line has it, wherever
// the message lies, and none can be left from an earlier message unnoticed. A place that would reach into the last word has none.
static inline void stamp(uint8_t *p, size_t size, uint64_t number) {
	store_word(p, number);
	for (size_t at = LINE; at + 16 <= size; at += LINE)
		store_word(p + at, number);
	if (size >= 16)
		store_word(p + size - 8, number);
}

// differ is 0 if a message carries a number wherever stamp writes it. It looks at all of them before it says so: a branch a message, not a line.
static inline uint64_t differ(const uint8_t *p, size_t size, uint64_t number) {
	uint64_t d = load_word(p) ^ number;
	for (size_t at = LINE; at + 16 <= size; at += LINE)
		d |= load_word(p + at) ^ number;
	if (size >= 16)
		d |= load_word(p + size - 8) ^ number;
	return d;
}

// prepare makes a message of number 0. The bytes between its stamps differ from line to line.
static struct work prepare(const struct job *job) {
	struct work work = {job, private_buffer(job->size), private_buffer(job->size), 0};
	for (size_t i = 0; i < job->size; i++)
		work.source[i] = (uint8_t)(7 + i / LINE * 37);
	stamp(work.source, job->size, 0);
	return work;
}

__attribute__((noreturn, cold, noinline)) static void wrong_message(uint64_t first_word, uint64_t want) {
	if (first_word != want)
		die("out of order: got message %lu, want %lu", (unsigned long)first_word, (unsigned long)want);
	die("torn: not all cache lines of message %lu carry its number, so some are of another message or were never written", (unsigned long)want);
}

// consume checks a message, which should carry the number want.
static inline void consume(const struct work *work, struct message m, uint64_t want) {
	if (unlikely(m.size != work->job->size))
		die("message %lu: got %zu bytes, want %zu", (unsigned long)want, m.size, work->job->size);
	const uint8_t *p = m.bytes;
	if (work->job->copy_out)
		p = (const uint8_t *)memcpy(work->copy, p, m.size);
	if (unlikely(differ(p, m.size, want)))
		wrong_message(load_word(p), want);
}

// due is when message i of a load is due. Both sides reckon alike, so that a message's due time stands for its number.
static inline uint64_t due(const struct job *job, uint64_t start, uint64_t i) {
	return start + (uint64_t)((double)i * 1e9 / (double)job->rate);
}

#endif
