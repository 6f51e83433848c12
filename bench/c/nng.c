// NNG over ipc://, which is a Unix socket that is served by threads of the library in each process.
//
// As in the library's own performance tool: a pair of sockets, buffers of 128 messages for throughput, a new message for each send, and
// for round trips the message that came is filled again and sent back. NNG knows no batches.
//
// WAIT=busy: NNG_FLAG_NONBLOCK in a loop that gives way to the library's threads, which share the CPU; except one way, where such a loop is in
// their way so much that the library is faster without it.
#include "job.h"

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <sys/un.h>

#define NAME "nng"

// The one socket of this process serves both directions.
static struct {
	nng_socket socket;
	nng_msg *message; // that came last, to be filled again
	bool reuse;
	int flags;
} own;

struct tx {
	char none;
};

struct rx {
	char none;
};

#include "harness.h"

enum { buffered_messages = 128 };

static size_t transport_bytes(const struct job *job) {
	(void)job;
	return 0; // the library makes its own memory
}

static inline void check(int error, const char *what) {
	if (unlikely(error))
		die("%s: %s", what, nng_strerror(error));
}

static void open_socket(const struct job *job) {
	check(nng_pair0_open(&own.socket), "nng_pair0_open");
	check(nng_socket_set_size(own.socket, NNG_OPT_RECVMAXSZ, 0), "remove the limit on sizes");
	if (job->mode == THR || job->mode == LOAD) {
		check(nng_socket_set_int(own.socket, NNG_OPT_RECVBUF, buffered_messages), "set the receive buffer");
		check(nng_socket_set_int(own.socket, NNG_OPT_SENDBUF, buffered_messages), "set the send buffer");
	}
	own.reuse = job->mode == RTT;
	own.flags = job->block || job->mode == THR ? 0 : NNG_FLAG_NONBLOCK;
}

static void socket_address(const struct job *job, char *address, size_t room, char **path) {
	strcpy(address, "ipc://");
	*path = address + strlen(address);
	object_file(job, "nng", *path, at_most(sizeof((struct sockaddr_un *)0)->sun_path, room - strlen(address)));
}

static void receive_next(void) {
	int error;
	while ((error = nng_recvmsg(own.socket, &own.message, own.flags)) == NNG_EAGAIN)
		relax();
	check(error, "nng_recvmsg");
}

static void send_next(nng_msg *message) {
	int error;
	while ((error = nng_sendmsg(own.socket, message, own.flags)) == NNG_EAGAIN)
		relax();
	check(error, "nng_sendmsg");
}

static nng_msg *new_message(size_t size) {
	nng_msg *message;
	check(nng_msg_alloc(&message, size), "nng_msg_alloc");
	return message;
}

static void release(void) {
	nng_msg_free(own.message);
	own.message = NULL;
}

static void transport_create(const struct channel *c) {
	char address[path_most], *path;
	if (c->direction != 0)
		return;
	socket_address(c->job, address, sizeof address, &path);
	make_object_folder(path);
	open_socket(c->job);
	check(nng_listen(own.socket, address, NULL, 0), "nng_listen");
}

// The first message, which is empty, says that the connection is there, so that its making is not measured, except in the mode first.
static void tx_open(struct tx *tx, const struct channel *c) {
	(void)tx;
	char address[path_most], *path;
	if (c->direction != 0)
		return;
	socket_address(c->job, address, sizeof address, &path);
	open_socket(c->job);
	check(nng_dial(own.socket, address, NULL, 0), "nng_dial");
	if (c->job->mode != FIRST)
		send_next(new_message(0));
}

static void rx_open(struct rx *rx, const struct channel *c) {
	(void)rx;
	if (c->direction != 0 || c->job->mode == FIRST)
		return;
	receive_next();
	release();
}

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	(void)tx;
	nng_msg *message = own.message ? own.message : new_message(size);
	own.message = NULL;
	memcpy(nng_msg_body(message), bytes, size);
	send_next(message);
}

static inline void tx_publish(struct tx *tx) { (void)tx; }

static inline void tx_end(struct tx *tx) { (void)tx; }

static inline struct message rx_next(struct rx *rx) {
	(void)rx;
	receive_next();
	return (struct message){nng_msg_body(own.message), nng_msg_len(own.message)};
}

static inline void rx_done(struct rx *rx) {
	(void)rx;
	if (!own.reuse) // consume has found it to have the right size
		release();
}

int main(int argc, char **argv) {
	static struct tx tx;
	static struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES, .blocks = true, .threads = true});
}
