// What every part of a contestant needs: ending well, numbers, clocks, spin loops. It is C and C++ alike, as all headers here are.
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef __cplusplus
#include <stdatomic.h>
#include <stdbool.h>
#endif

// Two lines, because the adjacent-line prefetcher fetches them in pairs.
#define APART 128
#define ON_ITS_OWN __attribute__((aligned(APART)))
#define LINE 64
#define PAGE 4096

// Atomics that C and C++ share.
#define load_acquire(from) __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define store_release(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

// ---- objects with a name ----

enum { leftovers_most = 4, path_most = 512 };

static char leftovers[leftovers_most][path_most];
static int leftovers_count;

// remove_later has a file, or an empty folder, removed when the trial ends, however it does. The last one goes first.
static inline void remove_later(const char *path) {
	if (leftovers_count < leftovers_most && strlen(path) < path_most) {
		strcpy(leftovers[leftovers_count], path);
		leftovers_count++; // last: a signal may come at any time
	}
}

// remove_leftovers is for signal handlers too.
static void remove_leftovers(void) {
	while (leftovers_count > 0) {
		const char *path = leftovers[leftovers_count - 1];
		if (unlink(path) != 0)
			rmdir(path);
		leftovers_count--;
	}
}

// ---- ending ----

static volatile pid_t other; // in the receiving process: the sending one, while it lives
static volatile sig_atomic_t leaving;

// leave ends the process, and leaves nothing behind. It is for signal handlers too, in whichever thread they run.
__attribute__((noreturn, cold, noinline)) static void leave(int status) {
	if (__atomic_exchange_n(&leaving, 1, __ATOMIC_SEQ_CST))
		for (;;)
			pause(); // another thread is at it
	pid_t child = other;
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	remove_leftovers();
	_exit(status);
}

__attribute__((noreturn, cold, noinline)) static void say_and_leave(int status, const char *format, va_list values) {
	int cause = errno;
	char text[1024];
	vsnprintf(text, sizeof text, format, values);
	fprintf(stderr, "%s\n", text);
	errno = cause;
	leave(status);
}

// die is for what should have worked.
__attribute__((noreturn, cold, noinline, unused, format(printf, 1, 2))) static void die(const char *format, ...) {
	va_list values;
	va_start(values, format);
	say_and_leave(1, format, values);
}

// misuse is for a command line that makes no sense.
__attribute__((noreturn, cold, noinline, unused, format(printf, 1, 2))) static void misuse(const char *format, ...) {
	va_list values;
	va_start(values, format);
	say_and_leave(2, format, values);
}

// cannot is for what this contestant is unable to do, here or at all.
__attribute__((noreturn, cold, noinline, unused, format(printf, 1, 2))) static void cannot(const char *format, ...) {
	va_list values;
	va_start(values, format);
	say_and_leave(3, format, values);
}

// ---- numbers ----

static inline uint64_t load_word(const void *p) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline void store_word(void *p, uint64_t v) { memcpy(p, &v, sizeof v); }

static uint64_t number(const char *what, const char *text) {
	char *end;
	errno = 0;
	uint64_t v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > INT64_MAX)
		misuse("%s: got %s, want a whole number", what, text);
	return v;
}

static uint64_t env_number(const char *name, uint64_t otherwise) {
	const char *text = getenv(name);
	return text && *text ? number(name, text) : otherwise;
}

static inline uint64_t at_least(uint64_t least, uint64_t v) { return v < least ? least : v; }
static inline uint64_t at_most(uint64_t most, uint64_t v) { return v > most ? most : v; }

// ---- clocks ----

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

// cpu_ns is what all threads of this process have used.
static uint64_t cpu_ns(void) {
	struct rusage u;
	if (getrusage(RUSAGE_SELF, &u) != 0)
		die("getrusage: %s", strerror(errno));
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000u + (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000u;
}

static void sleep_ns(uint64_t ns) {
	struct timespec rest = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
	while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
}

// ---- spin loops ----

static inline void cpu_relax(void) {
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

// shares_cpu says that somebody else has work to do on this CPU: the other process, if there is one CPU, or threads of a library.
static bool shares_cpu;

// relax is one turn of a spin loop.
static inline void relax(void) {
	cpu_relax();
	if (unlikely(shares_cpu))
		sched_yield();
}

#endif
