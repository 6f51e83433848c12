// What the command line and the environment ask for: bench/README.md.
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include "common.h"

enum mode { THR = 1, RTT = 2, LOAD = 4, IDLE = 8, FIRST = 16, ALL_MODES = 31 };

// struct ability is what a contestant can do.
struct ability {
	int modes;
	bool blocks;  // it can sleep while it waits
	bool threads; // its library has threads of its own in each process
};

struct job {
	enum mode mode;
	size_t size;         // bytes of a message
	uint64_t count;      // messages or, in the mode idle, milliseconds
	uint64_t batch;      // messages to publish at once; 1 except in thr
	uint64_t rate;       // messages a second, in the mode load
	size_t cap;          // bytes of buffer
	bool block;          // sleep rather than spin
	bool unpinned;       // leave placement to the scheduler
	bool copy_out;       // COPY=1: copy each message out before it is looked at
	bool own_threads;    // as ability.threads
	const char *samples; // file for latencies, or none
	pid_t started;       // the receiving process, which names are made of
};

// slot_lines is SIZE rounded up to a cache line.
static inline size_t slot_lines(size_t size) { return (size + LINE - 1) / LINE * LINE; }

static const char *mode_name(enum mode mode) {
	return mode == THR ? "thr" : mode == RTT ? "rtt" : mode == LOAD ? "load" : mode == IDLE ? "idle" : "first";
}

static enum mode mode_of(const char *name) {
	for (int mode = THR; mode <= FIRST; mode *= 2)
		if (strcmp(name, mode_name((enum mode)mode)) == 0)
			return (enum mode)mode;
	cannot("mode %s: want thr, rtt, load, idle or first", name);
}

static bool wants_blocking(void) {
	const char *wait = getenv("WAIT");
	if (!wait || !*wait || strcmp(wait, "busy") == 0)
		return false;
	if (strcmp(wait, "block") != 0)
		misuse("WAIT: got %s, want busy or block", wait);
	return true;
}

static struct job parse_job(const char *name, int argc, char **argv, struct ability ability) {
	if (argc < 4 || argc > 5)
		misuse("usage: %s MODE SIZE COUNT [BATCH or RATE]", argv[0]);
	struct job job;
	memset(&job, 0, sizeof job);
	job.mode = mode_of(argv[1]);
	job.size = number("SIZE", argv[2]);
	job.count = number("COUNT", argv[3]);
	job.batch = job.mode == THR && argc == 5 ? number("BATCH", argv[4]) : 1;
	job.rate = job.mode == LOAD && argc == 5 ? number("RATE", argv[4]) : 0;
	job.cap = env_number("CAP", 4 << 20);
	job.block = wants_blocking();
	job.unpinned = env_number("UNPINNED", 0) == 1;
	job.copy_out = env_number("COPY", 0) == 1;
	job.own_threads = ability.threads;
	job.samples = getenv("SAMPLES");
	job.started = getpid();
	if (!(ability.modes & job.mode))
		cannot("%s has no mode %s", name, argv[1]);
	if (job.block && !ability.blocks)
		cannot("%s cannot sleep while it waits", name);
	if (job.mode == IDLE)
		job.size = at_least(8, job.size); // the message that ends it
	if (job.mode == LOAD && job.rate == 0)
		misuse("mode load: want a RATE of at least 1 message a second");
	if (job.size < 8)
		misuse("SIZE: got %zu, want at least 8: the message's number", job.size);
	if (job.count == 0 || job.batch == 0 || job.cap == 0)
		misuse("COUNT, BATCH and CAP: want at least 1");
	if (job.size > INT32_MAX || job.cap > INT64_MAX / 4 || job.count > INT64_MAX / 4096)
		cannot("SIZE %zu, CAP %zu and COUNT %lu: too much for memory", job.size, job.cap, (unsigned long)job.count);
	return job;
}

// object_name is how the names of a trial's objects begin.
static inline void object_name(const struct job *job, char *name, size_t room) {
	snprintf(name, room, "shmpipe-bench-%d", (int)job->started);
}

// object_file names a file in the trial's own folder in $TMPDIR.
static inline void object_file(const struct job *job, const char *name, char *path, size_t room) {
	const char *tmp = getenv("TMPDIR");
	char own[64];
	object_name(job, own, sizeof own);
	if ((size_t)snprintf(path, room, "%s/%s/%s", tmp && *tmp ? tmp : "/tmp", own, name) >= room)
		cannot("TMPDIR: %s is too long for the name of a socket", tmp);
}

// make_object_folder makes that folder, in which there will be a file of that path.
static inline void make_object_folder(const char *path) {
	char folder[path_most];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = 0;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) // it is there if a trial of that pid was killed once
		die("make the folder %s: %s", folder, strerror(errno));
	remove_later(folder);
	unlink(path);
	remove_later(path);
}

#endif
