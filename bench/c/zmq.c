// ZeroMQ over ipc://, which is a Unix socket that is served by a thread of the library in each process.
//
// As in the library's own performance tools: PUSH to PULL one way, one I/O thread, a message made by zmq_msg_init_size and filled for each send,
// one zmq_msg_t for all receptions, and for round trips the message that came is filled again and sent back. Round trips use a PAIR.
// ZeroMQ gathers messages by itself, so BATCH changes nothing. Its queues hold at least what they do by default, 1,000 messages on each side,
// and more if CAP bytes do.
//
// WAIT=busy: ZMQ_DONTWAIT in a loop that gives way to the library's thread, which shares the CPU.
#include "job.h"

#include <sys/un.h>
#include <zmq.h>

#define NAME "zmq"

// The one socket of this process. A PAIR serves both directions.
static struct {
	void *socket;
	zmq_msg_t message;
	bool reuse; // message is to be filled again
	int flags;
} own;

struct tx {
	char none;
};

struct rx {
	char none;
};

#include "harness.h"

enum { default_messages = 1000 };

static size_t transport_bytes(const struct job *job) {
	(void)job;
	return 0; // the library makes its own memory
}

static void check(bool good, const char *what) {
	if (!good)
		die("%s: %s", what, zmq_strerror(zmq_errno()));
}

static void set(int option, int value) { check(zmq_setsockopt(own.socket, option, &value, sizeof value) == 0, "zmq_setsockopt"); }

static void open_socket(const struct job *job, int type) {
	void *context = zmq_ctx_new();
	check(context != NULL, "zmq_ctx_new");
	own.socket = zmq_socket(context, job->mode == RTT ? ZMQ_PAIR : type);
	check(own.socket != NULL, "zmq_socket");
	int messages = (int)at_most(INT32_MAX, at_least(default_messages, job->cap / job->size));
	set(ZMQ_SNDHWM, messages);
	set(ZMQ_RCVHWM, messages);
	check(zmq_msg_init(&own.message) == 0, "zmq_msg_init");
	own.flags = job->block ? 0 : ZMQ_DONTWAIT;
}

static void socket_address(const struct job *job, char *address, size_t room, char **path) {
	strcpy(address, "ipc://");
	*path = address + strlen(address);
	object_file(job, "zmq", *path, at_most(sizeof((struct sockaddr_un *)0)->sun_path, room - strlen(address)));
}

// again waits for another try, if it is only that nothing can be done now.
static inline void again(const char *what) {
	int error = zmq_errno();
	if (unlikely(error != EAGAIN && error != EINTR))
		die("%s: %s", what, zmq_strerror(error));
	relax();
}

static void receive_next(void) {
	while (zmq_msg_recv(&own.message, own.socket, own.flags) < 0)
		again("zmq_msg_recv");
}

static void send_next(void) {
	while (zmq_msg_send(&own.message, own.socket, own.flags) < 0)
		again("zmq_msg_send");
}

static void transport_create(const struct channel *c) {
	char address[path_most], *path;
	if (c->direction != 0)
		return;
	socket_address(c->job, address, sizeof address, &path);
	make_object_folder(path);
	open_socket(c->job, ZMQ_PULL);
	check(zmq_bind(own.socket, address) == 0, "zmq_bind");
}

// The first message, which is empty, says that the connection is there, so that its making is not measured, except in the mode first.
static void tx_open(struct tx *tx, const struct channel *c) {
	(void)tx;
	char address[path_most], *path;
	if (c->direction != 0)
		return;
	socket_address(c->job, address, sizeof address, &path);
	open_socket(c->job, ZMQ_PUSH);
	check(zmq_connect(own.socket, address) == 0, "zmq_connect");
	if (c->job->mode != FIRST)
		send_next();
}

static void rx_open(struct rx *rx, const struct channel *c) {
	(void)rx;
	if (c->direction == 0 && c->job->mode != FIRST)
		receive_next();
}

static inline void tx_send(struct tx *tx, const uint8_t *bytes, size_t size) {
	(void)tx;
	if (!own.reuse)
		check(zmq_msg_init_size(&own.message, size) == 0, "zmq_msg_init_size"); // what was sent is empty now, and needs no closing
	memcpy(zmq_msg_data(&own.message), bytes, size);
	send_next();
	own.reuse = false;
}

static inline void tx_publish(struct tx *tx) { (void)tx; }

static inline void tx_end(struct tx *tx) { (void)tx; }

static inline struct message rx_next(struct rx *rx) {
	(void)rx;
	receive_next();
	return (struct message){zmq_msg_data(&own.message), zmq_msg_size(&own.message)};
}

static inline void rx_done(struct rx *rx) {
	(void)rx;
	own.reuse = true; // consume has found it to have the right size
}

int main(int argc, char **argv) {
	static struct tx tx;
	static struct rx rx;
	return contest(argc, argv, &tx, &rx, (struct ability){.modes = ALL_MODES, .blocks = true, .threads = true});
}
