// SPDX-License-Identifier: Apache-2.0
#include "journal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

enum { SEGMENT = 1 << 20 };

/* Longer than this the file never gets: a program may make new code for ever.
 */
#define MOST_BYTES ((uint64_t)1 << 30)

static const uint8_t MAGIC[8] = {0x89, 'E', 'X', 'J', '\r', '\n', 0x1A, '\n'};

static size_t
padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

static xt_journal_header *
header_of(const xt_journal *journal)
{
    void *bytes = journal->segments[0].bytes;
    return bytes;
}

static void *
behind(void *at, size_t bytes)
{
    return (uint8_t *)at + bytes;
}

/* --- Room ---------------------------------------------------------------- */

/* Reserves blocks for a part of the file and maps it: with them, writing into
   the memory cannot fail. */
static xt_status
map_part(xt_journal *journal, int file, uint64_t offset, size_t len)
{
    xt_journal_segment *segments =
        xt_grow(journal->segments, &journal->segments_cap,
                journal->segments_len + 1, sizeof(*segments));
    if (segments == NULL) {
        return XT_NOMEM;
    }
    journal->segments = segments;
    int error = posix_fallocate(file, (off_t)offset, (off_t)len);
    if (error != 0) {
        errno = error;
        return XT_IO;
    }
    void *bytes = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, file,
                       (off_t)offset);
    if (bytes == MAP_FAILED) {
        return XT_IO;
    }
    segments[journal->segments_len++] =
        (xt_journal_segment){.bytes = bytes, .offset = offset, .len = len};
    return XT_OK;
}

/* The file is opened anew each time: a descriptor that stays open would be
   seen by the program, which may close it and open another. */
static xt_status
open_again(const xt_journal *journal, int *file)
{
    *file = open(journal->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (*file < 0) {
        return XT_IO;
    }
    struct stat status;
    if (fstat(*file, &status) < 0 ||
        (uint64_t)status.st_dev != journal->device ||
        (uint64_t)status.st_ino != journal->inode) {
        (void)close(*file);
        errno = ENOENT;
        return XT_IO;
    }
    return XT_OK;
}

static xt_status
add_segment(xt_journal *journal, size_t need)
{
    const xt_journal_segment *last =
        &journal->segments[journal->segments_len - 1];
    uint64_t offset = last->offset + last->len;
    size_t len = (need + SEGMENT - 1) / SEGMENT * SEGMENT;
    if (offset + len > MOST_BYTES) {
        errno = EFBIG;
        return XT_IO;
    }
    int file;
    xt_status status = open_again(journal, &file);
    if (status == XT_OK) {
        status = map_part(journal, file, offset, len);
        (void)close(file);
    }
    return status;
}

/* Says in the file that counts are missing. */
static bool
be_full(xt_journal *journal)
{
    journal->full = true;
    if (!journal->detached) {
        header_of(journal)->flags |= XT_JOURNAL_FULL;
    }
    return false;
}

static void
put_head(uint8_t *at, xt_journal_kind kind, size_t len)
{
    const uint32_t kinds[2] = {(uint32_t)kind, 0};
    const uint64_t length = len;
    memcpy(at, kinds, sizeof(kinds));
    memcpy(at + 8, &length, sizeof(length));
}

/* All records up to here are complete. */
static void
commit(xt_journal *journal)
{
    atomic_store_explicit((_Atomic uint64_t *)&header_of(journal)->end,
                          journal->end, memory_order_release);
}

/* Room for records of `len` bytes together, all zeros; NULL when there is
   none. They are there with the next commit(). */
static uint8_t *
reserve(xt_journal *journal, size_t len)
{
    if (journal->full || journal->detached) {
        return NULL;
    }
    const xt_journal_segment *last =
        &journal->segments[journal->segments_len - 1];
    uint64_t left = last->offset + last->len - journal->end;
    if (len > left) {
        int before = errno;
        xt_status status = add_segment(journal, len);
        errno = before;
        if (status != XT_OK) {
            (void)be_full(journal);
            return NULL;
        }
        last = &journal->segments[journal->segments_len - 1];
        if (left > 0) {
            const xt_journal_segment *full = last - 1;
            put_head(full->bytes + (journal->end - full->offset),
                     XT_JOURNAL_FILL, left);
        }
        journal->end = last->offset;
    }
    uint8_t *bytes = last->bytes + (journal->end - last->offset);
    journal->end += len;
    return bytes;
}

/* Room for one record with so many bytes behind its header. */
static void *
add_record(xt_journal *journal, xt_journal_kind kind, size_t content)
{
    const size_t align = XT_JOURNAL_ALIGN;
    size_t len = (XT_JOURNAL_RECORD + content + align - 1) / align * align;
    uint8_t *bytes = reserve(journal, len);
    if (bytes == NULL) {
        return NULL;
    }
    put_head(bytes, kind, len);
    return behind(bytes, XT_JOURNAL_RECORD);
}

/* --- Records ------------------------------------------------------------- */

bool
xt_journal_string(xt_journal *journal, const char *bytes, size_t len,
                  uint32_t *number)
{
    size_t before = journal->strings.count;
    uint32_t id;
    if (journal->full || journal->detached) {
        return false;
    }
    if (xt_strtab_intern(&journal->strings, bytes, len, &id) != XT_OK) {
        return be_full(journal);
    }
    if (journal->strings.count > before) {
        uint8_t *record =
            add_record(journal, XT_JOURNAL_STRING, 8 + padded(len));
        if (record == NULL) {
            return false;
        }
        const uint64_t length = len;
        memcpy(record, &length, sizeof(length));
        if (len > 0) {
            memcpy(record + 8, bytes, len);
        }
        commit(journal);
    }
    *number = id - 1;
    return true;
}

bool
xt_journal_note(xt_journal *journal, const char *key, const char *value)
{
    uint32_t numbers[2];
    if (!xt_journal_string(journal, key, strlen(key), &numbers[0]) ||
        !xt_journal_string(journal, value, strlen(value), &numbers[1])) {
        return false;
    }
    uint8_t *record = add_record(journal, XT_JOURNAL_NOTE, sizeof(numbers));
    if (record == NULL) {
        return false;
    }
    memcpy(record, numbers, sizeof(numbers));
    commit(journal);
    return true;
}

/* Writes what a code object had counted before. */
static bool
add_base(xt_journal *journal, uint64_t record, uint32_t slots,
         const xt_journal_base *base)
{
    size_t breaks = base->breaks == NULL ? 0 : 3 * (size_t)base->points;
    const uint64_t head[3] = {record, breaks / 3, slots};
    uint8_t *at = add_record(journal, XT_JOURNAL_BASE,
                             sizeof(head) + 8 * (slots + breaks));
    if (at == NULL) {
        return false;
    }
    memcpy(at, head, sizeof(head));
    if (slots > 0) {
        memcpy(at + sizeof(head), base->slots, 8 * (size_t)slots);
    }
    if (breaks > 0) {
        memcpy(at + sizeof(head) + 8 * (size_t)slots, base->breaks,
               8 * breaks);
    }
    return true;
}

/* Where in the file the record of some content lies, the latest. */
static uint64_t
place_of(const xt_journal *journal, const uint8_t *content)
{
    const xt_journal_segment *last =
        &journal->segments[journal->segments_len - 1];
    return last->offset + (uint64_t)(content - last->bytes) -
           XT_JOURNAL_RECORD;
}

bool
xt_journal_add_code(xt_journal *journal, const xt_journal_code *code,
                    const unsigned char *const bytes[3],
                    const xt_journal_base *base, uint64_t *record,
                    uint64_t **slots)
{
    const size_t lens[3] = {code->code_len, code->locations_len,
                            code->exceptions_len};
    size_t len = sizeof(*code) + 16 * (size_t)code->slots;
    for (int i = 0; i < 3; i++) {
        len += padded(lens[i]);
    }
    uint8_t *at = add_record(journal, XT_JOURNAL_CODE, len);
    if (at == NULL) {
        return false;
    }
    *record = place_of(journal, at);
    memcpy(at, code, sizeof(*code));
    *slots = behind(at, sizeof(*code));
    uint8_t *next = at + sizeof(*code) + 16 * (size_t)code->slots;
    for (int i = 0; i < 3; i++) {
        if (lens[i] > 0) {
            memcpy(next, bytes[i], lens[i]);
        }
        next += padded(lens[i]);
    }
    if (base != NULL) {
        if (code->slots > 0) {
            memcpy(*slots, base->slots, 8 * (size_t)code->slots);
        }
        if (!add_base(journal, *record, code->slots, base)) {
            return false;
        }
    }
    commit(journal);
    return true;
}

/* The memory of a place in the file. */
static uint8_t *
memory_at(const xt_journal *journal, uint64_t offset)
{
    for (size_t i = journal->segments_len; i-- > 0;) {
        const xt_journal_segment *segment = &journal->segments[i];
        if (offset >= segment->offset) {
            return segment->bytes + (offset - segment->offset);
        }
    }
    return NULL;
}

void
xt_journal_want(xt_journal *journal, uint64_t record)
{
    xt_journal_code *code =
        behind(memory_at(journal, record), XT_JOURNAL_RECORD);
    code->flags |= XT_JOURNAL_WANTED;
}

/* Counters of the points of code, behind `before` others. */
static bool
add_points(xt_journal *journal, xt_journal_kind kind, uint64_t record,
           uint32_t points, size_t before, uint64_t **counters)
{
    const uint64_t head[2] = {record, points};
    uint8_t *at = add_record(journal, kind,
                             sizeof(head) + 8 * (before + 3 * (size_t)points));
    if (at == NULL) {
        return false;
    }
    memcpy(at, head, sizeof(head));
    *counters = behind(at, sizeof(head));
    commit(journal);
    return true;
}

bool
xt_journal_add_breaks(xt_journal *journal, uint64_t record, uint32_t points,
                      uint64_t **counters)
{
    return add_points(journal, XT_JOURNAL_BREAKS, record, points, 0, counters);
}

bool
xt_journal_add_sides(xt_journal *journal, uint64_t record, uint32_t points,
                     uint64_t **counters)
{
    return add_points(journal, XT_JOURNAL_SIDES, record, points, 1, counters);
}

bool
xt_journal_add_lines(xt_journal *journal, uint32_t file, uint32_t first,
                     uint64_t **counters)
{
    const uint32_t head[2] = {file, first};
    uint8_t *at = add_record(journal, XT_JOURNAL_LINES,
                             sizeof(head) + 8 * XT_JOURNAL_PAGE);
    if (at == NULL) {
        return false;
    }
    memcpy(at, head, sizeof(head));
    *counters = behind(at, sizeof(head));
    commit(journal);
    return true;
}

bool
xt_journal_add_call(xt_journal *journal, const xt_journal_call *call,
                    uint64_t **counter)
{
    uint8_t *at = add_record(journal, XT_JOURNAL_CALL, sizeof(*call));
    if (at == NULL) {
        return false;
    }
    memcpy(at, call, sizeof(*call));
    *counter = behind(at, offsetof(xt_journal_call, hits));
    commit(journal);
    return true;
}

bool
xt_journal_add_body(xt_journal *journal, uint32_t file, const int32_t *lines,
                    size_t len, xt_journal_body **body)
{
    const xt_journal_body empty = {.file = file};
    const uint64_t events = len;
    uint8_t *at =
        add_record(journal, XT_JOURNAL_BODY,
                   sizeof(empty) + sizeof(events) + len * sizeof(*lines));
    if (at == NULL) {
        return false;
    }
    memcpy(at, &empty, sizeof(empty));
    memcpy(at + sizeof(empty), &events, sizeof(events));
    if (len > 0) {
        memcpy(at + sizeof(empty) + sizeof(events), lines,
               len * sizeof(*lines));
    }
    *body = behind(at, 0);
    commit(journal);
    return true;
}

void
xt_journal_set_stack(xt_journal *journal, const xt_journal_frame *frames,
                     size_t len)
{
    uint64_t *stack = journal->stack;
    if (journal->detached || len > XT_JOURNAL_DEPTH) {
        return;
    }
    _Atomic uint64_t *turn = (_Atomic uint64_t *)stack;
    uint64_t now = atomic_load_explicit(turn, memory_order_relaxed);
    atomic_store_explicit(turn, now + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    stack[1] = len;
    for (size_t i = 0; i < len; i++) {
        memcpy(stack + 2 + 2 * i, &frames[i], sizeof(frames[i]));
        uint8_t *content =
            memory_at(journal, frames[i].record) + XT_JOURNAL_RECORD;
        const xt_journal_code *code = behind(content, 0);
        uint32_t slots = code->slots;
        uint8_t *then = content + sizeof(xt_journal_code);
        memcpy(then + 8 * (size_t)slots, then, 8 * (size_t)slots);
    }
    atomic_store_explicit(turn, now + 2, memory_order_release);
}

/* --- Opening and closing ------------------------------------------------- */

/* Field 22 of /proc/self/stat (proc(5)), or 0. */
static uint64_t
start_of_process(void)
{
    char text[1024];
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
    if (file >= 0) {
        (void)close(file);
    }
    if (len <= 0) {
        return 0;
    }
    text[len] = 0;
    /* The name of the program may hold anything, but ends at the last ')'. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    unsigned long long ticks = 0;
    return at != NULL && sscanf(at, "%llu", &ticks) == 1 ? ticks : 0;
}

static void
write_header(xt_journal *journal, const xt_journal_about *about)
{
    xt_journal_header *header = header_of(journal);
    *header = (xt_journal_header){
        .version = XT_JOURNAL_VERSION,
        .minor = about->minor,
        .end = XT_JOURNAL_HEADER,
        .pid = (uint64_t)getpid(),
        .started = start_of_process(),
        .began = (uint64_t)time(NULL),
        .flow = about->flow,
        .flags = (about->branches ? XT_JOURNAL_BRANCHES : 0U) |
                 (about->calls ? XT_JOURNAL_CALLS : 0U),
    };
    journal->end = XT_JOURNAL_HEADER;
    atomic_thread_fence(memory_order_release);
    memcpy(header->magic, MAGIC, sizeof(MAGIC));
}

static bool
is_little_endian(void)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    return first == 1;
}

xt_status
xt_journal_open(xt_journal *journal, const char *path,
                const xt_journal_about *about)
{
    if (!is_little_endian()) {
        return XT_UNSUPPORTED;
    }
    size_t len = strlen(path) + 1;
    char *copy = xt_malloc(len);
    if (copy == NULL) {
        return XT_NOMEM;
    }
    memcpy(copy, path, len);
    int file =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        xt_free(copy);
        return XT_IO;
    }
    *journal = (xt_journal){.path = copy};
    struct stat status;
    xt_status result =
        fstat(file, &status) < 0 ? XT_IO : map_part(journal, file, 0, SEGMENT);
    int error = errno;
    (void)close(file);
    if (result != XT_OK) {
        (void)unlink(path);
        xt_journal_close(journal);
        errno = error;
        return result;
    }
    journal->device = (uint64_t)status.st_dev;
    journal->inode = (uint64_t)status.st_ino;
    write_header(journal, about);
    journal->stack =
        add_record(journal, XT_JOURNAL_STACK,
                   16 + XT_JOURNAL_DEPTH * sizeof(xt_journal_frame));
    commit(journal);
    return XT_OK;
}

void
xt_journal_close(xt_journal *journal)
{
    for (size_t i = 0; i < journal->segments_len; i++) {
        (void)munmap(journal->segments[i].bytes, journal->segments[i].len);
    }
    xt_free(journal->segments);
    xt_free(journal->path);
    xt_strtab_fini(&journal->strings);
    *journal = (xt_journal){0};
}

void
xt_journal_discard(xt_journal *journal)
{
    (void)unlink(journal->path);
    xt_journal_close(journal);
}

/* --- Forks --------------------------------------------------------------- */

/* How much of a segment holds something. */
static size_t
used_of(const xt_journal *journal, const xt_journal_segment *segment)
{
    uint64_t used = journal->end - segment->offset;
    return used < segment->len ? (size_t)used : segment->len;
}

void
xt_journal_before_fork(xt_journal *journal)
{
    if (journal->path == NULL || journal->detached) {
        return;
    }
    size_t len = 0;
    for (size_t i = 0; i < journal->segments_len; i++) {
        len += used_of(journal, &journal->segments[i]);
    }
    void *copy = mmap(NULL, len, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) {
        return; /* the child will count from zero */
    }
    journal->copy = copy;
    journal->copy_len = len;
    uint8_t *to = copy;
    for (size_t i = 0; i < journal->segments_len; i++) {
        const xt_journal_segment *segment = &journal->segments[i];
        size_t used = used_of(journal, segment);
        memcpy(to, segment->bytes, used);
        to += used;
    }
}

void
xt_journal_in_parent(xt_journal *journal)
{
    if (journal->copy != NULL) {
        (void)munmap(journal->copy, journal->copy_len);
        journal->copy = NULL;
    }
}

void
xt_journal_in_child(xt_journal *journal)
{
    if (journal->path == NULL || journal->detached) {
        return;
    }
    journal->detached = true;
    const uint8_t *from = journal->copy;
    for (size_t i = 0; i < journal->segments_len; i++) {
        const xt_journal_segment *segment = &journal->segments[i];
        size_t used = used_of(journal, segment);
        void *own = mmap(segment->bytes, segment->len, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        /* Without memory for it, it stays the parent's. */
        if (from != NULL) {
            if (own != MAP_FAILED) {
                memcpy(own, from, used);
            }
            from += used;
        }
    }
    xt_journal_in_parent(journal);
}
