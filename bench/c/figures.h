// Latencies: their quantiles, and the file of samples.
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "common.h"
#include "job.h"

static int by_size(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void write_samples(const struct job *job, const uint64_t *took) {
	if (!job->samples || !*job->samples)
		return;
	FILE *file = fopen(job->samples, "wb");
	if (!file)
		die("create the file of samples %s: %s", job->samples, strerror(errno));
	bool whole = fwrite(took, sizeof *took, job->count, file) == job->count;
	if (fclose(file) != 0 || !whole)
		die("write the file of samples %s: %s", job->samples, strerror(errno));
}

// print_quantiles sorts the latencies, in nanoseconds.
static void print_quantiles(const struct job *job, uint64_t *took) {
	qsort(took, job->count, sizeof *took, by_size);
	printf(" p50_ns=%lu p99_ns=%lu", (unsigned long)took[job->count / 2], (unsigned long)took[job->count * 99 / 100]);
}

// end_line ends the line of results. Standard output is not written before: what did not work leaves no result.
static void end_line(void) {
	putchar('\n');
	if (fflush(stdout) != 0)
		die("write the result: %s", strerror(errno));
}

#endif
