// Two processes: the receiving one, which was started, and its child, which sends; their placement, the page they share, how they meet and
// how they end.
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include "common.h"
#include "job.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// struct gate is the page that both processes share from the start.
struct gate {
	ON_ITS_OWN uint64_t producer_ready;
	ON_ITS_OWN uint64_t consumer_ready;
	ON_ITS_OWN uint64_t offered;   // the object has been created
	ON_ITS_OWN uint32_t over;      // the receiving process has done what is measured; a futex
	ON_ITS_OWN uint64_t sent;      // the sending process has written the words below
	ON_ITS_OWN uint64_t cpu;       // CPU time of the sending process, in nanoseconds
	uint64_t idle_cpu, idle_time;  // CPU time of a receiver that waits, and for how long it did, in nanoseconds
};

// struct pair is one side's view of a run.
struct pair {
	bool producer;
	struct gate *gate;
	int socket;         // to the other process
	uint64_t start, cpu; // when the clock started, and the CPU time then
};

// ---- ends ----

static void say(const char *text) {
	ssize_t ignored = write(2, text, strlen(text));
	(void)ignored;
}

// A receiver would wait for ever once its sender has died, so a bad end of the child is the end of the trial.
static void on_child(int signal_number) {
	(void)signal_number;
	int cause = errno, status;
	if (!leaving && other > 0 && waitpid(other, &status, WNOHANG) == other) {
		other = 0;
		if (WIFSIGNALED(status)) {
			char text[] = "the sending process was killed by signal 00\n";
			text[sizeof text - 4] = (char)('0' + WTERMSIG(status) / 10);
			text[sizeof text - 3] = (char)('0' + WTERMSIG(status) % 10);
			say(text);
			leave(1);
		}
		if (WEXITSTATUS(status) != 0)
			leave(WEXITSTATUS(status)); // it has said why
	}
	errno = cause;
}

static void on_end(int signal_number) {
	(void)signal_number;
	if (leaving)
		return;
	say("ended by a signal\n");
	leave(1);
}

static void handle(int signal_number, void (*handler)(int)) {
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	action.sa_flags = SA_NOCLDSTOP | SA_RESTART;
	if (sigaction(signal_number, &action, NULL) != 0)
		die("sigaction: %s", strerror(errno));
}

// ---- start ----

// pin_side puts this process on the first allowed CPU, or the second, if there are two.
static void pin_side(const struct job *job, bool producer) {
	cpu_set_t allowed, one;
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		die("sched_getaffinity: %s", strerror(errno));
	if (CPU_COUNT(&allowed) < 2) {
		shares_cpu = true;
		return;
	}
	if (job->unpinned)
		return;
	shares_cpu = job->own_threads;
	int skip = producer ? 1 : 0, cpu = 0;
	while (!CPU_ISSET(cpu, &allowed) || skip-- > 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0)
		die("pin to cpu %d: %s", cpu, strerror(errno));
}

// split makes the second process, which dies with the first one.
static struct pair split(const struct job *job) {
	struct pair pair;
	memset(&pair, 0, sizeof pair);
	pair.gate = (struct gate *)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int sockets[2];
	if (pair.gate == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
		die("make a shared page and a pair of sockets: %s", strerror(errno));
	handle(SIGCHLD, on_child);
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before); // until it is known whom to take along
	pid_t pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	pair.producer = pid == 0;
	if (pair.producer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != job->started)
			_exit(1);
		handle(SIGCHLD, SIG_DFL);
	} else {
		other = pid;
		handle(SIGTERM, on_end);
		handle(SIGINT, on_end);
		handle(SIGHUP, on_end);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	pair.socket = sockets[pair.producer];
	close(sockets[!pair.producer]);
	pin_side(job, pair.producer);
	return pair;
}

// ---- the segment ----

// new_segment makes an unnamed file in /dev/shm, as the segments under test are, so that every contestant gets the same kind of pages.
static int new_segment(size_t bytes) {
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create("shmpipe-bench", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		die("create a segment of %zu bytes: %s", bytes, strerror(errno));
	return fd;
}

// map_segment maps and closes it. Page faults do not belong to what is measured, except in the mode first.
static uint8_t *map_segment(int fd, size_t bytes, bool populate) {
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (populate ? MAP_POPULATE : 0), fd, 0);
	if (base == MAP_FAILED)
		die("map %zu bytes: %s", bytes, strerror(errno));
	close(fd);
	return (uint8_t *)base;
}

union control_room {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static struct msghdr one_descriptor(struct iovec *byte, union control_room *room) {
	struct msghdr message;
	memset(&message, 0, sizeof message);
	memset(room, 0, sizeof *room);
	message.msg_iov = byte;
	message.msg_iovlen = 1;
	message.msg_control = room->room;
	message.msg_controllen = sizeof room->room;
	return message;
}

static void pass_descriptor(const struct pair *pair, int fd) {
	char text = 1;
	struct iovec byte = {&text, 1};
	union control_room room;
	struct msghdr message = one_descriptor(&byte, &room);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	while (sendmsg(pair->socket, &message, MSG_NOSIGNAL) != 1)
		if (errno != EINTR)
			die("pass the segment to the sending process: %s", strerror(errno));
}

static int take_descriptor(const struct pair *pair) {
	char text;
	struct iovec byte = {&text, 1};
	union control_room room;
	struct msghdr message = one_descriptor(&byte, &room);
	ssize_t got;
	while ((got = recvmsg(pair->socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	struct cmsghdr *header = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS)
		die("take the segment from the receiving process: got %zd bytes and no descriptor", got);
	int fd;
	memcpy(&fd, CMSG_DATA(header), sizeof fd);
	return fd;
}

// ---- meeting ----

static inline void await(uint64_t *word) {
	while (!load_acquire(word))
		relax();
}

// meet returns on both sides when both are ready. The receiver is released first and reads the clock at once. By then nobody needs the
// names of objects any more: without them, nothing can be left over.
static void meet(struct pair *pair) {
	if (pair->producer) {
		store_release(&pair->gate->producer_ready, 1);
		await(&pair->gate->consumer_ready);
		pair->cpu = cpu_ns();
		return;
	}
	await(&pair->gate->producer_ready);
	remove_leftovers();
	pair->cpu = cpu_ns();
	store_release(&pair->gate->consumer_ready, 1);
	pair->start = now_ns();
}

// await_end lets the sending process sleep until the receiving one has checked the last message. So its CPU time is counted between the same
// points, with what a library's threads do after the last message was handed to them.
static void await_end(struct pair *pair) {
	uint64_t grace = env_number("GRACE", 20000), deadline = now_ns() + grace * 1000000u;
	while (!load_acquire(&pair->gate->over)) {
		uint64_t now = now_ns();
		if (now >= deadline)
			die("everything was sent, but not everything came within %lu ms: messages were lost", (unsigned long)grace);
		struct timespec rest = {(time_t)((deadline - now) / 1000000000u), (long)((deadline - now) % 1000000000u)};
		syscall(SYS_futex, &pair->gate->over, FUTEX_WAIT, 0, &rest, NULL, 0);
	}
	pair->gate->cpu = cpu_ns() - pair->cpu;
	store_release(&pair->gate->sent, 1);
}

// struct span is what a run took.
struct span {
	uint64_t ns;
	double cpu_per_message; // of both processes, in nanoseconds
};

// stop ends what is measured, in the receiving process.
static struct span stop(struct pair *pair, uint64_t count) {
	struct span span;
	span.ns = now_ns() - pair->start;
	uint64_t cpu = cpu_ns() - pair->cpu;
	store_release(&pair->gate->over, 1u);
	syscall(SYS_futex, &pair->gate->over, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (!load_acquire(&pair->gate->sent))
		sleep_ns(50000); // if it dies instead, on_child ends this process
	span.cpu_per_message = (double)(cpu + pair->gate->cpu) / (double)count;
	return span;
}

// finish ends the sending process with success, and lets the receiving one wait for that end.
static void finish(struct pair *pair) {
	if (pair->producer)
		_exit(0);
	handle(SIGCHLD, SIG_DFL);
	int status = 0;
	while (other > 0 && waitpid(other, &status, 0) < 0 && errno == EINTR)
		;
	other = 0;
	if (status != 0)
		die("the sending process ended with status %#x", status);
	remove_leftovers();
}

#endif
