//go:build ignore

/*
 * peer: takes part in shmpipe segments, from C. It is written from docs/protocol.md; numbers in the comments are its sections.
 *
 *     peer create NAME CAPACITY            make a segment with one ring
 *     peer send NAME N SIZE [hold]         send N messages of 0 to SIZE bytes; hold: then stop with a frame half written
 *     peer receive NAME [lines|hold N]     receive to the end of stream; lines: one line for each; hold: stop with the Nth in hand
 *     peer remove NAME
 *
 * Environment: PEER_DIR (directory), PEER_RING (index of the ring), PEER_NO_MEMBARRIER (do as if the kernel had none).
 * Left out, as section 22 allows: SysV, memfd, batches, removal of transient segments. Names are ASCII here.
 */
#include "segment.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

struct end {
    struct segment s;
    struct ring r;
    struct control *c;
    uint8_t *data;
    int lease;
    struct participant *self, *peer;
    uint32_t peer_entry;
    struct gate *own_gate, *peer_gate;
    _Atomic uint64_t *counters;
    bool registered;                        /* for barriers: publishing needs none */
    uint64_t tail, credit;                  /* producer; the consumer's tail is as last seen */
    uint64_t hand, next, credited;          /* consumer */
    bool redelivery;                        /* the frame at hand was in a dead consumer's hands */
    uint64_t count[2];                      /* Sent or Received, with bytes */
    uint64_t gone_before;                   /* producer: Status of a consumer that had left or died before we came */
    unsigned sleeps, woken, wakes;
};

/* ---- waking, leaving, poison: sections 15.2, 17, 19 ---- */

static bool without_membarrier(void) { return getenv("PEER_NO_MEMBARRIER") != NULL; }

static void wake_sleepers(struct end *e, struct gate *g)
{
    atomic_fetch_add(&g->sequence, 1);
    e->wakes += syscall(SYS_futex, &g->sequence, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) > 0;
}

static void wake(struct end *e, struct gate *g)
{
    if (atomic_fetch_and(&g->waiting, ~1u) & 1) {
        add_one(&e->counters[WAKES]);
        wake_sleepers(e, g);
    }
}

static void broadcast(struct end *e, struct gate *g)
{
    wake_sleepers(e, g);
}

static void set_status(struct end *e, uint64_t status)
{
    atomic_store(&e->self->status, status);
    broadcast(e, e->peer_gate);
}

static void leave(struct end *e)
{
    set_status(e, (atomic_load(&e->self->status) & ~0xffull) | LEFT);
    unlock_and_close(e->lease);
}

static _Noreturn void corrupt(struct end *e, const char *what)
{
    atomic_store_explicit(&e->c->poison, 1, memory_order_release);
    broadcast(e, e->own_gate);
    broadcast(e, e->peer_gate);
    fail(CORRUPT, "%s", what);
}

/* ---- liveness: section 16 ---- */

enum peer_state { PRESENT, PEER_CLOSED, PEER_DIED };

/* What the peer's Status and its lease say; "never" and unknown states are present, for they are no reason to stop. */
static enum peer_state look_at_peer(struct end *e, uint64_t *status)
{
    uint64_t s = *status = atomic_load_explicit(&e->peer->status, memory_order_acquire);
    off_t lease = LEASES + e->peer_entry;
    if (s == e->gone_before)
        return PRESENT;
    if ((s & 0xff) == LEFT)
        return PEER_CLOSED;
    if ((s & 0xff) != ACTIVE || is_held(e->s.fd, lease, 1) ||
        atomic_load_explicit(&e->peer->status, memory_order_acquire) != s || is_held(e->s.fd, lease, 1))
        return PRESENT;
    return PEER_DIED;
}

/* ---- taking a role: section 12 ---- */

static void begin(struct end *e, uint32_t role)
{
    uint64_t capacity = e->r.capacity, tail, head, cursor;
    if (role == PRODUCER) {
        tail = atomic_load(&e->c->tail);
        head = atomic_load(&e->c->head);
        if (!multiple_of_8(tail | head) || !between(tail - capacity, head, tail))
            corrupt(e, "positions");
        e->tail = tail;
        e->credit = head + capacity;
    } else {
        head = atomic_load(&e->c->head);
        cursor = atomic_load(&e->c->cursor);
        tail = atomic_load(&e->c->tail);
        e->redelivery = cursor & 1;
        cursor &= ~1ull;
        if (!multiple_of_8(tail | head | cursor) || !between(head, tail, head + capacity) || !between(head, cursor, tail) ||
            (e->redelivery && cursor == tail))
            corrupt(e, "positions");
        e->tail = tail;
        e->hand = e->next = cursor;
        e->credited = head;
    }
    for (int i = 0; i < 2; i++)
        e->count[i] = atomic_load(role == PRODUCER ? &e->c->sent[i] : &e->c->received[i]);
}

static struct end take_role(uint32_t role)
{
    struct end e = {.s = open_segment()};
    uint32_t ring = getenv("PEER_RING") ? atoi(getenv("PEER_RING")) : 0;
    if (ring >= e.s.h.ring_count)
        fail(FAILED, "no ring %u", ring);
    e.r = e.s.table[ring];
    e.c = (struct control *)(e.s.base + e.r.control);
    e.data = e.s.base + e.r.data;
    uint32_t own = e.r.first_participant + (role == CONSUMER);
    e.peer_entry = e.r.first_participant + (role == PRODUCER);
    struct participant *all = (struct participant *)(e.s.base + e.s.h.participant_table);
    e.self = &all[own];
    e.peer = &all[e.peer_entry];
    e.own_gate = role == PRODUCER ? &e.c->space_gate : &e.c->data_gate;
    e.peer_gate = role == PRODUCER ? &e.c->data_gate : &e.c->space_gate;
    e.counters = role == PRODUCER ? e.c->producer_counters : e.c->consumer_counters;
    e.registered = role == PRODUCER && !without_membarrier() &&
                   syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;

    e.lease = new_description(e.s.fd);
    if (!lock_within_a_second(e.lease, F_RDLCK, ATTACH_BYTE))
        fail(BUSY, "somebody removes the segment");
    uint32_t state = atomic_load_explicit((_Atomic uint32_t *)(e.s.base + STATE_AT), memory_order_acquire);
    if (state != READY)
        fail(state == GONE ? REMOVED : CORRUPT, "state %u", state);
    if (!lock(e.lease, F_WRLCK, LEASES + own, 1))
        fail(BUSY, "process %u has the role", (unsigned)(e.self->role_and_pid >> 32));
    lock(e.lease, F_UNLCK, ATTACH_BYTE, 1);
    if (atomic_load_explicit(&e.c->poison, memory_order_acquire) != 0)
        fail(CORRUPT, "the ring is poisoned");
    begin(&e, role);
    describe_self(e.self, role);
    uint64_t status;
    if (role == PRODUCER && look_at_peer(&e, &status) != PRESENT)
        e.gone_before = status;
    set_status(&e, ((atomic_load(&e.self->status) >> 8) + 1) << 8 | ACTIVE);
    return e;
}

/* ---- waiting: section 15 ---- */

/* Waits until *word is no longer what it was when the caller looked, or somebody poisons the ring, or the peer is gone. */
static enum peer_state wait_for(struct end *e, _Atomic uint64_t *word, uint64_t seen)
{
    static bool strict;
    uint64_t status;
    add_one(&e->counters[WAITS]);
    for (int i = 0; i < 2000; i++)
        if (atomic_load_explicit(word, memory_order_acquire) != seen)
            return PRESENT;
    for (;;) {
        enum peer_state peer = look_at_peer(e, &status);
        if (peer != PRESENT)
            return peer;
        uint32_t sequence = atomic_load(&e->own_gate->sequence);
        atomic_fetch_or(&e->own_gate->waiting, 1);
        if (e->own_gate == &e->c->data_gate) { /* the consumer makes the barrier for both, 15.4 */
            strict = strict || without_membarrier() || syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) != 0;
            if (strict)
                atomic_fetch_or(&e->own_gate->waiting, 2);
        }
        if (atomic_load(word) != seen || atomic_load_explicit(&e->c->poison, memory_order_acquire) != 0)
            return PRESENT;
        if (atomic_load_explicit(&e->peer->status, memory_order_acquire) != status)
            continue;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 100000000; /* nothing else would tell us of a death */
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        add_one(&e->counters[SLEEPS]);
        e->sleeps++;
        e->woken += syscall(SYS_futex, &e->own_gate->sequence, FUTEX_WAIT_BITSET, sequence, &until, NULL, ~0u) == 0;
    }
}

static void stop_if_poisoned(struct end *e)
{
    if (atomic_load_explicit(&e->c->poison, memory_order_acquire) != 0)
        fail(CORRUPT, "the ring was poisoned");
}

/* ---- sending: section 13 ---- */

static uint64_t *at(struct end *e, uint64_t position) { return (uint64_t *)(e->data + (position & (e->r.capacity - 1))); }

/* Writes a message behind what was published. False: there is no space, and nothing has changed. */
static bool write_message(struct end *e, const void *payload, uint32_t n, uint16_t type)
{
    uint64_t capacity = e->r.capacity, size = frame_size(n), rest = capacity - (e->tail & (capacity - 1));
    uint64_t pad = size > rest ? rest : 0;
    if (n > e->r.max_message)
        fail(FAILED, "message of %u bytes: the limit is %llu", n, (unsigned long long)e->r.max_message);
    if (e->tail + pad + size > e->credit) {
        stop_if_poisoned(e);
        uint64_t head = atomic_load_explicit(&e->c->head, memory_order_acquire);
        if (!multiple_of_8(head) || !between(e->credit - capacity, head, e->tail))
            corrupt(e, "head");
        e->credit = head + capacity;
        if (e->tail + pad + size > e->credit)
            return false;
    }
    if (pad != 0)
        *at(e, e->tail) = frame_header(rest - 8, 0, PADDING);
    e->tail += pad;
    *at(e, e->tail) = frame_header(n, type, 0);
    memcpy(at(e, e->tail) + 1, payload, n);
    e->tail += size;
    e->count[0]++;
    e->count[1] += n;
    return true;
}

static void publish(struct end *e)
{
    struct gate *g = &e->c->data_gate;
    store(&e->c->sent[0], e->count[0]);
    store(&e->c->sent[1], e->count[1]);
    if (e->registered) { /* a consumer that is about to sleep interrupts us, which is all the barrier there is */
        atomic_store_explicit(&e->c->tail, e->tail, memory_order_release);
        atomic_signal_fence(memory_order_seq_cst);
        if (atomic_load_explicit(&g->waiting, memory_order_relaxed) != 0)
            wake(e, g);
    } else {
        atomic_store(&e->c->tail, e->tail);
        if (atomic_load(&g->waiting) != 0)
            wake(e, g);
    }
}

/* ---- receiving: section 14 ---- */

static void return_credit(struct end *e)
{
    if (e->credited == e->hand)
        return;
    e->credited = e->hand;
    atomic_store(&e->c->head, e->hand);
    if (atomic_load(&e->c->space_gate.waiting) != 0)
        wake(e, &e->c->space_gate);
}

static void store_cursor(struct end *e, uint64_t in_hand)
{
    store(&e->c->received[0], e->count[0]);
    store(&e->c->received[1], e->count[1]);
    store(&e->c->cursor, e->hand | in_hand);
    atomic_signal_fence(memory_order_seq_cst); /* before delivery, and before credit */
}

/* The frame in hand is done with. */
static void finish(struct end *e, uint32_t length)
{
    e->hand = e->next;
    e->redelivery = false;
    e->count[0]++;
    e->count[1] += length;
}

struct message { uint32_t length; uint16_t type; bool redelivered; };

/* Copies the next message to buffer, which has room for the longest. False: there is none. */
static bool receive_message(struct end *e, uint8_t *buffer, struct message *m)
{
    uint64_t capacity = e->r.capacity, header, length, limit;
    bool padded = false;
    if (e->next != e->hand)
        finish(e, m->length);
    for (;;) {
        if (e->next == e->tail) {
            uint64_t tail = atomic_load_explicit(&e->c->tail, memory_order_acquire);
            if (tail == e->tail) {
                stop_if_poisoned(e);
                store_cursor(e, 0);
                return_credit(e);
                return false;
            }
            if (!multiple_of_8(tail) || !between(e->tail, tail, e->credited + capacity))
                corrupt(e, "tail");
            e->tail = tail;
        }
        uint64_t rest = capacity - (e->next & (capacity - 1)), there = e->tail - e->next;
        header = *(volatile uint64_t *)at(e, e->next);
        length = (uint32_t)header;
        limit = there < rest ? there : rest;
        if (header >> 56 != 1 || (header >> 48 & 0xff) > PADDING || limit < 8)
            corrupt(e, "frame");
        if ((header >> 48 & PADDING) == 0)
            break;
        if (padded || e->redelivery || length + 8 != rest || length + 8 > there)
            corrupt(e, "padding");
        padded = true;
        e->hand = e->next += rest;
    }
    if (frame_size(length) > limit || length > e->r.max_message)
        corrupt(e, "length");
    *m = (struct message){.length = length, .type = header >> 32, .redelivered = e->redelivery};
    e->hand = e->next;
    e->next += frame_size(length);
    store_cursor(e, 1);
    if (m->redelivered)
        add_one(&e->counters[REDELIVERED]);
    if (e->hand - e->credited >= capacity / 8)
        return_credit(e);
    memcpy(buffer, at(e, e->hand) + 1, length);
    return true;
}

/* ---- the command ---- */

/* Message i of a stream that the test knows, too: every 64th may be of any length, the others are short. */
static uint32_t make_message(uint64_t i, uint32_t longest, uint8_t *payload)
{
    uint64_t x = i * 0x9E3779B97F4A7C15 + 1;
    uint32_t n = (x >> 32) % ((i % 64 == 63 || longest < 256 ? longest : 256) + 1);
    for (uint32_t at = 0; at < n; at += 8) {
        x = x * 6364136223846793005 + 1442695040888963407;
        memcpy(payload + at, &x, n - at < 8 ? n - at : 8);
    }
    return n;
}

static uint32_t digest(uint32_t crc, const uint8_t *payload, uint32_t n, uint16_t type)
{
    uint32_t words[2] = {n, type};
    return crc32c(crc32c(crc, words, sizeof words), payload, n);
}

static void report(const struct end *e, const char *what, uint64_t n, uint32_t crc)
{
    printf("%s %llu checksum %08x woken %u of %u sleeps, woke %u\n", what, (unsigned long long)n, crc, e->woken, e->sleeps, e->wakes);
    fflush(stdout);
}

static int send_stream(uint64_t n, uint32_t longest, bool hold)
{
    struct end e = take_role(PRODUCER);
    uint8_t *payload = calloc(1, (size_t)longest + 8);
    uint32_t crc = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t length = make_message(i, longest, payload);
        uint64_t status;
        enum peer_state peer = PRESENT;
        bool written;
        while (!(written = write_message(&e, payload, length, i)) && peer == PRESENT)
            peer = wait_for(&e, &e.c->head, e.credit - e.r.capacity);
        if (written)
            peer = PRESENT; /* there was space after all */
        if ((atomic_load_explicit(&e.peer->status, memory_order_acquire) & 0xff) == LEFT)
            peer = look_at_peer(&e, &status);
        if (peer != PRESENT) {
            report(&e, peer == PEER_CLOSED ? "closed" : "died", i, crc);
            leave(&e);
            return peer == PEER_CLOSED ? CLOSED : DIED;
        }
        publish(&e);
        crc = digest(crc, payload, length, i);
    }
    report(&e, hold ? "holding" : "sent", n, crc);
    if (hold) {
        write_message(&e, payload, longest, 0);
        for (;;)
            pause();
    }
    leave(&e);
    return 0;
}

static int receive_stream(bool lines, uint64_t hold)
{
    struct end e = take_role(CONSUMER);
    uint8_t *buffer = malloc(e.r.max_message);
    struct message m = {0};
    enum peer_state peer = PRESENT;
    uint32_t crc = 0;
    uint64_t n = 0;
    for (;;) {
        if (!receive_message(&e, buffer, &m)) {
            if (peer != PRESENT)
                break;
            peer = wait_for(&e, &e.c->tail, e.tail); /* if it is gone, look once more */
            continue;
        }
        peer = PRESENT;
        crc = digest(crc, buffer, m.length, m.type);
        n++;
        if (lines || m.redelivered || n == hold)
            printf("message %u type %u checksum %08x%s\n", m.length, m.type, crc32c(0, buffer, m.length),
                   m.redelivered ? " redelivered" : "");
        fflush(stdout);
        while (n == hold)
            pause();
    }
    report(&e, peer == PEER_CLOSED ? "end" : "died", n, crc);
    leave(&e); /* the ring was found empty: cursor and credit are as they should be */
    return peer == PEER_CLOSED ? 0 : DIED;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "", *third = argc > 3 ? argv[3] : "";
    if (argc > 2)
        find_name(argv[2]);
    if (strcmp(what, "create") == 0 && argc == 4)
        create_segment(argv[2], strtoull(third, NULL, 10));
    else if (strcmp(what, "send") == 0 && argc >= 5)
        return send_stream(strtoull(third, NULL, 10), atoi(argv[4]), argc > 5 && strcmp(argv[5], "hold") == 0);
    else if (strcmp(what, "receive") == 0)
        return receive_stream(strcmp(third, "lines") == 0, argc > 4 && strcmp(third, "hold") == 0 ? strtoull(argv[4], NULL, 10) : 0);
    else if (strcmp(what, "remove") == 0)
        remove_segment();
    else
        fail(FAILED, "usage: create NAME CAPACITY | send NAME N SIZE [hold] | receive NAME [lines | hold N] | remove NAME");
    return 0;
}
