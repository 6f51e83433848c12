//go:build ignore

/*
 * A segment, seen from C: layout, names, locks, opening, creating, removing. Written from docs/protocol.md; the numbers in the
 * comments are its sections. Included by peer.c, and by nothing else.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Exit codes: 0 is success, for a consumer the end of stream. */
enum { FAILED = 1, BUSY = 3, DIED, CLOSED, CORRUPT, EXISTS, NOTEXIST, NOTSEGMENT, VERSION, NOTREADY, REMOVED, READONLY };

static _Noreturn void fail(int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("peer: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(code);
}

/* ---- the layout, section 3 ---- */

enum { PAGE = 4096, PRODUCER = 1, CONSUMER = 2, BUILDING = 0, READY = 1, GONE = 2, ACTIVE = 1, LEFT = 2, STATE_AT = 512 };

static const char magic[8] = {(char)0x89, 'S', 'H', 'M', 'P', 'I', 'P', 'E'};

struct header {
    char magic[8];
    uint16_t major, minor;
    uint32_t byte_order, header_size, checksum;
    uint64_t incompatible, read_only_compatible, compatible, segment_size;
    uint8_t uuid[16];
    int64_t created;
    uint32_t ring_count, ring_table, ring_entry_size, participant_count, participant_table, participant_size, flags, name_length;
    char name[200], reserved[200];
};

struct ring {
    uint32_t mode, flags;
    uint64_t control, control_size, data, capacity, max_message;
    uint32_t first_participant, participants;
    uint8_t reserved[72];
};

struct participant {
    _Atomic uint64_t status, role_and_pid, pid_namespace, start_time, attached, command[2];
    uint8_t reserved[72];
};

struct gate {
    _Atomic uint32_t waiting, sequence;
};

enum { WAITS, SLEEPS, WAKES, ABORTED, REDELIVERED }; /* indexes of counters */

struct control {
    _Alignas(128) _Atomic uint64_t tail;
    _Atomic uint64_t sent[2]; /* messages, bytes */
    _Alignas(128) _Atomic uint64_t head;
    _Alignas(128) _Atomic uint64_t cursor;
    _Atomic uint64_t received[2];
    _Alignas(128) struct gate data_gate;
    _Alignas(128) struct gate space_gate;
    _Alignas(128) _Atomic uint64_t producer_counters[8];
    _Alignas(128) _Atomic uint64_t consumer_counters[8];
    _Alignas(128) _Atomic uint32_t poison;
};

_Static_assert(sizeof(struct header) == 512 && offsetof(struct header, name) == 112, "header");
_Static_assert(sizeof(struct ring) == 128 && sizeof(struct participant) == 128, "table entries");
_Static_assert(offsetof(struct control, space_gate) == 0x200 && offsetof(struct control, poison) == 0x380, "control block");

static uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
    static uint32_t table[256];
    for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? 0x82F63B78u : 0);
        table[i] = c;
    }
    crc = ~crc;
    for (const uint8_t *p = bytes; n > 0; n--)
        crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
    return ~crc;
}

static uint32_t header_checksum(struct header h, const struct ring *table)
{
    h.checksum = 0;
    return crc32c(crc32c(0, &h, sizeof h), table, h.ring_count * sizeof *table);
}

enum { PADDING = 1 };

static uint64_t frame_header(uint64_t length, uint16_t type, uint8_t flags)
{
    return length | (uint64_t)type << 32 | (uint64_t)flags << 48 | 1ull << 56;
}

static uint64_t frame_size(uint64_t n) { return (n + 15) & ~7ull; }

static uint64_t max_payload(uint64_t capacity)
{
    uint64_t half = capacity / 2 - 8, most = 0xffffffffull - 16;
    return half < most ? half : most;
}

static bool multiple_of_8(uint64_t x) { return x % 8 == 0; }
static bool between(uint64_t low, uint64_t x, uint64_t high) { return x - low <= high - low; }

static void store(_Atomic uint64_t *word, uint64_t value) { atomic_store_explicit(word, value, memory_order_relaxed); }
static void add_one(_Atomic uint64_t *word) { store(word, atomic_load_explicit(word, memory_order_relaxed) + 1); }

/* For people only. StartTime stays unknown. */
static void describe_self(struct participant *p, uint32_t role)
{
    struct stat st;
    uint64_t command[2] = {0};
    memcpy(command, "peer", 4);
    store(&p->role_and_pid, role | (uint64_t)getpid() << 32);
    store(&p->pid_namespace, stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0);
    store(&p->start_time, 0);
    store(&p->attached, (uint64_t)time(NULL) * 1000000000);
    store(&p->command[0], command[0]);
    store(&p->command[1], command[1]);
}

/* ---- names and locks, sections 8 and 9 ---- */

static int directory = -1;
static char path[256];

static bool name_is_valid(const char *name, size_t n)
{
    bool ok = n >= 1 && n <= 200 && !(n == 1 && name[0] == '.') && !(n == 2 && memcmp(name, "..", 2) == 0);
    for (size_t i = 0; ok && i < n; i++)
        ok = name[i] >= 0x20 && name[i] < 0x7f && name[i] != '/';
    return ok;
}

static void find_name(const char *name)
{
    const char *where = getenv("PEER_DIR") ? getenv("PEER_DIR") : "/dev/shm";
    if (!name_is_valid(name, strlen(name)))
        fail(FAILED, "not a name: %s", name);
    snprintf(path, sizeof path, "shmpipe.%s", name);
    if ((directory = open(where, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
        fail(FAILED, "open %s: %m", where);
}

#define LEASES ((off_t)1 << 62)
#define ATTACH_BYTE (LEASES - 1)

static bool lock(int fd, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool lock_within_a_second(int fd, short type, off_t byte)
{
    for (int i = 0; i < 2000; i++) {
        if (lock(fd, type, byte, 1))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return false;
}

/* Asks through a description that holds none of the locks. An error proves nothing, so it counts as held. */
static bool is_held(int fd, off_t start, off_t length)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, F_OFD_GETLK, &l) != 0 || l.l_type != F_UNLCK;
}

static void unlock_and_close(int fd)
{
    lock(fd, F_UNLCK, 0, 0);
    close(fd);
}

static int new_description(int fd)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int new = open(self, O_RDWR | O_CLOEXEC);
    if (new < 0)
        fail(FAILED, "open %s: %m", self);
    return new;
}

/* ---- opening, section 11 ---- */

struct segment {
    int fd;
    uint8_t *base;
    uint32_t state;
    struct header h;
    struct ring *table;
};

static void map_segment(struct segment *s)
{
    s->base = mmap(NULL, s->h.segment_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (s->base == MAP_FAILED || madvise(s->base, s->h.segment_size, MADV_DONTFORK) != 0)
        fail(FAILED, "map %s: %m", path);
}

/* Opens the file and makes the checks of 11.3 up to 12; the state is for the caller to judge. With absent, a name that is not
 * there is no error. */
static struct segment read_segment(bool *absent)
{
    struct segment s = {.fd = openat(directory, path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    struct stat st;
    if (absent && (*absent = s.fd < 0 && errno == ENOENT))
        return s;
    bool other = errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == ENODEV;
    if (s.fd < 0)
        fail(errno == ENOENT ? NOTEXIST : other ? NOTSEGMENT : FAILED, "open %s: %m", path);
    if (fstat(s.fd, &st) != 0 || !S_ISREG(st.st_mode))
        fail(NOTSEGMENT, "%s is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        fail(FAILED, "%s belongs to user %u", path, st.st_uid);

    uint64_t size = st.st_size;
    uint8_t page[PAGE] = {0};
    ssize_t n = pread(s.fd, page, sizeof page, 0);
    struct header *h = &s.h;
    memcpy(h, page, sizeof *h);
    memcpy(&s.state, page + STATE_AT, sizeof s.state);
    if (n < 8 || memcmp(h->magic, magic, 8) != 0)
        fail(NOTSEGMENT, "%s is not a segment", path);
    if (n < PAGE || size < PAGE)
        fail(CORRUPT, "%s is cut off", path);
    if (h->byte_order != 0x01020304)
        fail(h->byte_order == 0x04030201 ? VERSION : CORRUPT, "byte order %x", h->byte_order);
    if (h->major != 1)
        fail(VERSION, "version %u", h->major);
    if (h->ring_count < 1 || h->ring_count > 1024 || size < PAGE + 128ull * h->ring_count)
        fail(CORRUPT, "%u rings", h->ring_count);
    s.table = calloc(h->ring_count, sizeof *s.table);
    if (pread(s.fd, s.table, h->ring_count * sizeof *s.table, PAGE) != (ssize_t)(h->ring_count * sizeof *s.table))
        fail(CORRUPT, "%s is cut off", path);
    if (header_checksum(*h, s.table) != h->checksum)
        fail(CORRUPT, "checksum");
    if (h->incompatible != 0)
        fail(VERSION, "unknown feature");
    uint64_t total = h->segment_size, free = h->participant_table + 128ull * h->participant_count;
    uint32_t entries = 0;
    if (total > size || h->header_size != PAGE || h->ring_table != PAGE || h->ring_entry_size != 128 || h->participant_size != 128 ||
        (h->flags & ~1u) != 0 || h->name_length > 200 || h->participant_count > 65536 || h->participant_table % 128 != 0 ||
        h->participant_table < PAGE + 128ull * h->ring_count || total < 2 * PAGE || free > total)
        fail(CORRUPT, "header");
    for (struct ring *r = s.table; r < s.table + h->ring_count; r++) {
        if (r->mode != 1)
            fail(VERSION, "mode %u", r->mode);
        if (r->control_size != PAGE || r->control % PAGE != 0 || r->control < free || r->control > total - PAGE)
            fail(CORRUPT, "control block");
        if (r->capacity < PAGE || r->capacity > 1ull << 40 || (r->capacity & (r->capacity - 1)) != 0 || r->capacity > total ||
            r->data % PAGE != 0 || r->data < r->control + PAGE || r->data > total - r->capacity)
            fail(CORRUPT, "data");
        if (r->max_message < 1 || r->max_message > max_payload(r->capacity) || r->participants != 2 || r->first_participant != entries ||
            entries + 2 > h->participant_count)
            fail(CORRUPT, "ring");
        entries += 2;
        free = r->data + r->capacity;
    }
    if (h->name_length != strlen(path + 8) || memcmp(h->name, path + 8, h->name_length) != 0)
        fail(NOTSEGMENT, "%s has another name inside", path);
    return s;
}

static struct segment open_segment(void)
{
    struct segment s = read_segment(NULL);
    struct stat st;
    if (s.state != READY)
        fail(s.state == BUILDING ? NOTREADY : s.state == GONE ? REMOVED : CORRUPT, "state %u", s.state);
    if (s.h.read_only_compatible != 0)
        fail(READONLY, "unknown feature");
    if (fstat(s.fd, &st) == 0 && st.st_blocks * 512ull < s.h.segment_size && fallocate(s.fd, 0, 0, s.h.segment_size) != 0)
        fail(FAILED, "allocate %s: %m", path);
    map_segment(&s);
    return s;
}

/* ---- creating and removing, sections 10 and 18 ---- */

static void unlink_if_same(const struct segment *s)
{
    struct stat here, there;
    if (fstat(s->fd, &here) != 0 || fstatat(directory, path, &there, AT_SYMLINK_NOFOLLOW) != 0 || here.st_dev != there.st_dev ||
        here.st_ino != there.st_ino)
        return;
    if (unlinkat(directory, path, 0) != 0)
        fail(FAILED, "unlink %s: %m", path);
}

/* The name is taken: fails, unless a remover was killed before it could take the name away. */
static void clear_remains(void)
{
    bool absent;
    struct segment s = read_segment(&absent);
    if (absent) /* by now */
        return;
    if (s.state != GONE || !lock_within_a_second(s.fd, F_WRLCK, ATTACH_BYTE))
        fail(EXISTS, "%s exists", path);
    unlink_if_same(&s);
    unlock_and_close(s.fd);
}

static void create_segment(const char *name, uint64_t capacity)
{
    if (capacity < PAGE || capacity > 1ull << 40 || (capacity & (capacity - 1)) != 0)
        fail(FAILED, "capacity must be a power of two of at least 4096");
    struct segment s = {.fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    struct ring r = {.mode = 1, .control = 2 * PAGE, .control_size = PAGE, .data = 3 * PAGE, .capacity = capacity,
                     .max_message = max_payload(capacity), .participants = 2};
    s.h = (struct header){.major = 1, .byte_order = 0x01020304, .header_size = PAGE, .segment_size = 3 * PAGE + capacity,
                          .created = (int64_t)time(NULL) * 1000000000, .ring_count = 1, .ring_table = PAGE, .ring_entry_size = 128,
                          .participant_count = 2, .participant_table = PAGE + 128, .participant_size = 128,
                          .name_length = strlen(name)};
    memcpy(s.h.magic, magic, 8);
    memcpy(s.h.name, name, s.h.name_length);
    if (s.fd < 0 || fchmod(s.fd, 0600) != 0 || fallocate(s.fd, 0, 0, s.h.segment_size) != 0 || getrandom(s.h.uuid, 16, 0) != 16)
        fail(FAILED, "create %s: %m", path);
    s.h.checksum = header_checksum(s.h, &r);
    map_segment(&s);
    memcpy(s.base, &s.h, sizeof s.h);
    memcpy(s.base + PAGE, &r, sizeof r);
    atomic_store_explicit((_Atomic uint32_t *)(s.base + STATE_AT), READY, memory_order_release);
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", s.fd);
    while (linkat(AT_FDCWD, self, directory, path, AT_SYMLINK_FOLLOW) != 0) {
        if (errno != EEXIST)
            fail(FAILED, "link %s: %m", path);
        clear_remains();
    }
}

static void remove_segment(void)
{
    struct segment s = read_segment(NULL);
    uint32_t gone = GONE;
    if (!lock_within_a_second(s.fd, F_WRLCK, ATTACH_BYTE) || is_held(s.fd, LEASES, s.h.participant_count))
        fail(BUSY, "%s is in use", path);
    if (pwrite(s.fd, &gone, sizeof gone, STATE_AT) != sizeof gone)
        fail(FAILED, "write %s: %m", path);
    unlink_if_same(&s);
    unlock_and_close(s.fd);
}
