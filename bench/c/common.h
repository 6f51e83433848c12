// What every contestant needs around its transport: two pinned processes, one shared mapping, a start gate, a clock, spin loops.
//
// The segment is an unnamed file in /dev/shm, as the segments under test are, so that every contestant gets the same kind of pages.
// The consumer is the parent on the first allowed CPU, the producer its child on the second. With a single CPU nothing is pinned and
// spinning yields.
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Two lines, because the adjacent-line prefetcher fetches them in pairs.
#define APART 128
#define LINE 64
#define PAGE 4096

#define die(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

static inline uint64_t load_word(const void *p) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline void store_word(void *p, uint64_t v) { memcpy(p, &v, sizeof v); }

static uint64_t env_number(const char *name, uint64_t otherwise) {
	const char *text = getenv(name);
	if (!text || !*text)
		return otherwise;
	char *end;
	errno = 0;
	uint64_t v = strtoull(text, &end, 10);
	if (*end || errno || *text == '-')
		die("%s: got %s, want a whole number", name, text);
	return v;
}

static uint64_t number(const char *what, const char *text) {
	char *end;
	errno = 0;
	uint64_t v = strtoull(text, &end, 10);
	if (!*text || *end || errno || *text == '-')
		die("%s: got %s, want a whole number", what, text);
	return v;
}

// ---- clock ----

static inline uint64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// ticks is the cheapest clock of the machine. Its unit is found by reading now_ns around the whole run.
static inline uint64_t ticks(void) {
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return now_ns();
#endif
}

static inline void cpu_relax(void) {
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static bool single_cpu;

// relax is one turn of a spin loop. With one CPU the other process can only run if this one gives way.
static inline void relax(void) {
	cpu_relax();
	if (__builtin_expect(single_cpu, 0))
		sched_yield();
}

// ---- two processes ----

struct gate {
	_Alignas(APART) _Atomic uint64_t producer_ready;
	_Alignas(APART) _Atomic uint64_t consumer_ready;
};

// pair is one side's view of a run. mem has the size that was asked for, is page aligned and zero at the start.
struct pair {
	bool producer;
	pid_t child;
	struct gate *gate;
	uint8_t *mem;
};

static volatile sig_atomic_t child_gone;

// A consumer would spin for ever once its producer has died, so a bad end of the child is the end of the run.
static void on_child(int signal_number) {
	(void)signal_number;
	int status;
	if (waitpid(-1, &status, WNOHANG) <= 0)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		static const char text[] = "producer process ended early\n";
		ssize_t ignored = write(2, text, sizeof text - 1);
		(void)ignored;
		_exit(1);
	}
	child_gone = 1;
}

static int open_segment(size_t bytes) {
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create("shmpipe-bench", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		die("create a segment of %zu bytes: %s", bytes, strerror(errno));
	return fd;
}

static void pin_side(bool producer) {
	cpu_set_t allowed, one;
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		die("sched_getaffinity: %s", strerror(errno));
	if (CPU_COUNT(&allowed) < 2) {
		single_cpu = true;
		return;
	}
	int skip = producer ? 1 : 0, cpu = 0;
	while (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		die("pin to cpu %d: %s", cpu, strerror(errno));
}

// split makes the second process. Each side maps the segment for itself: page tables of a shared mapping are not inherited over
// fork, so an inherited mapping would take its page faults inside the measured time.
static struct pair split(size_t bytes) {
	size_t total = PAGE + bytes;
	int fd = open_segment(total);
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_NOCLDSTOP | SA_RESTART};
	sigaction(SIGCHLD, &action, NULL);

	struct pair pair = {0};
	pid_t parent = getpid();
	pair.child = fork();
	if (pair.child < 0)
		die("fork: %s", strerror(errno));
	pair.producer = pair.child == 0;
	if (pair.producer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	pin_side(pair.producer);
	uint8_t *base = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED)
		die("map %zu bytes: %s", total, strerror(errno));
	close(fd);
	pair.gate = (struct gate *)base;
	pair.mem = base + PAGE;
	return pair;
}

// meet returns on both sides when both are ready. The consumer is released first and reads the clock at once.
static void meet(struct pair *pair) {
	if (pair->producer) {
		atomic_store_explicit(&pair->gate->producer_ready, 1, memory_order_release);
		while (!atomic_load_explicit(&pair->gate->consumer_ready, memory_order_acquire))
			relax();
		return;
	}
	while (!atomic_load_explicit(&pair->gate->producer_ready, memory_order_acquire))
		relax();
	atomic_store_explicit(&pair->gate->consumer_ready, 1, memory_order_release);
}

// finish ends the producer with success and lets the consumer wait for that end.
static void finish(struct pair *pair) {
	if (pair->producer)
		_exit(0);
	signal(SIGCHLD, SIG_DFL);
	int status = 0;
	if (!child_gone && waitpid(pair->child, &status, 0) == pair->child && status != 0)
		die("producer process ended with status %#x", status);
}

#endif
