// SPDX-License-Identifier: Apache-2.0
/* The file in which a process counts while it runs: mapped memory, so that
 * what was counted is there whatever happens to the process, and others can
 * read it meanwhile. docs/counts-file-format.md describes it.
 *
 * It is only ever appended to, by one process. A record is complete before the
 * header says that it is there; after that only its counters change, each a
 * whole aligned number. What the counters of code mean follows from the code,
 * which is kept with them: core/store/recover.h.
 *
 * Records begin at multiples of 16 with a header: u32 kind, u32 0, u64 length
 * of the whole record. All numbers are little-endian; elsewhere no such file
 * is made.
 */
#ifndef XT_JOURNAL_H
#define XT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"
#include "strtab.h"

enum {
    XT_JOURNAL_VERSION = 1,
    XT_JOURNAL_HEADER = 64,
    XT_JOURNAL_RECORD = 16,        /* bytes of a record's own header */
    XT_JOURNAL_ALIGN = 16,         /* of records and of their lengths */
    XT_JOURNAL_PAGE = 64,          /* lines that share a record */
    XT_JOURNAL_DEPTH = 64,         /* frames that are noted at most */
    XT_JOURNAL_BRANCHES = 1,       /* bits of the header's flags */
    XT_JOURNAL_FULL = 2,           /* there was no room: counts are missing */
    XT_JOURNAL_CALLS = 4,          /* calls are counted one by one */
    XT_JOURNAL_WANTED = 1,         /* bits of a code record's flags */
    XT_JOURNAL_UNROLLED = 6,       /* two of them: xt_unroll_loops, */
    XT_JOURNAL_UNROLLED_SHIFT = 1, /* shifted by so many */
};

#define XT_JOURNAL_NONE UINT32_MAX /* in place of the number of a string */

/* The file's header, as it lies there. */
typedef struct {
    uint8_t magic[8];
    uint32_t version;
    uint32_t minor;   /* the code is that of CPython 3.minor */
    uint64_t end;     /* bytes of the file that are complete records */
    uint64_t pid;     /* of the process */
    uint64_t started; /* when it began, in clock ticks since the system did;
                         0: not known */
    uint64_t began;   /* when the file was made: seconds since 1970 */
    uint32_t flow;    /* XT_FLOW_VERSION: how slots follow from code */
    uint32_t flags;
    uint64_t reserved;
} xt_journal_header;

typedef enum {
    XT_JOURNAL_STRING = 1, /* u64 length; bytes. Numbered from 0 */
    XT_JOURNAL_NOTE,       /* u32 key, u32 value: strings */
    XT_JOURNAL_CODE,       /* xt_journal_code, slots, and the code's bytes */
    XT_JOURNAL_BREAKS,     /* u64 offset of the code's record, u64 points;
                              left, handled, fired: `points` u64 each */
    XT_JOURNAL_BASE,       /* the same, u64 slots; slots, and then breaks: what
                              was counted before the file was made */
    XT_JOURNAL_LINES,      /* u32 file, u32 first line; u64[64] */
    XT_JOURNAL_SIDES,      /* u64 offset of the code's record, u64 points;
                              u64 started; taken, fell, handled: `points` u64
                              each: code that is counted by events */
    XT_JOURNAL_CALL,       /* xt_journal_call */
    XT_JOURNAL_FILL,       /* nothing, up to its end */
    XT_JOURNAL_STACK,      /* u64 turn: odd while it is written, u64 frames;
                              xt_journal_frame[XT_JOURNAL_DEPTH] */
    XT_JOURNAL_BODY, /* xt_journal_body, u64 events, i32[events]: lines */
} xt_journal_kind;

/* Behind the header of a code record; then follow u64[slots], again
   u64[slots]: what they were when the frames were noted, and the three runs of
   bytes, each padded to a multiple of 8. */
typedef struct {
    uint32_t file; /* strings */
    uint32_t name;
    int32_t first_line;
    uint32_t flags;
    uint32_t slots;
    uint32_t code_len;
    uint32_t locations_len;
    uint32_t exceptions_len;
} xt_journal_code;

/* Behind the header of a call record. */
typedef struct {
    uint32_t caller_file; /* XT_JOURNAL_NONE: nobody */
    uint32_t caller_name;
    uint32_t file;
    uint32_t name;
    int32_t caller_line;
    int32_t line;
    uint64_t hits;
} xt_journal_call;

/* Behind the header of the record of a frame that is followed by events, with
   one line event for each of the lines behind it. */
typedef struct {
    uint32_t file;    /* string */
    uint32_t ended;   /* 1: most likely the frame has had them all by now */
    uint64_t settled; /* that many events, the first ones, are counted with the
                         lines of the file, or will never be. Of the others it
                         is not known whether the frame has had them */
} xt_journal_body;

static inline int32_t *
xt_journal_body_lines(xt_journal_body *body)
{
    return (int32_t *)((uint64_t *)(body + 1) + 1);
}

/* A frame of the first thread, as it stood when some code last ran for the
   first time. */
typedef struct {
    uint64_t record; /* of its code */
    uint32_t point;  /* the instruction */
    uint32_t breaks; /* the sum of the code's counters of exceptions then */
} xt_journal_frame;

typedef struct {
    uint8_t *bytes;  /* mapped */
    uint64_t offset; /* in the file */
    size_t len;
} xt_journal_segment;

/* Zero is a valid closed journal. */
typedef struct xt_journal {
    char *path; /* owned; NULL: closed */
    uint64_t device;
    uint64_t inode;
    xt_journal_segment *segments; /* owned */
    size_t segments_len;
    size_t segments_cap;
    uint64_t end;      /* where the next record begins */
    bool full;         /* no more room can be had */
    bool detached;     /* the memory is no file's any more: after a fork */
    uint64_t *stack;   /* the record of frames: content */
    xt_strtab strings; /* number in the file = that here - 1 */
    uint8_t *copy;     /* mapped: while the process forks */
    size_t copy_len;
} xt_journal;

/* What the header says. */
typedef struct {
    uint32_t minor;
    uint32_t flow;
    bool branches;
    bool calls;
} xt_journal_about;

/* Makes the file, which must not be there, for its owner alone. `path` must be
   absolute. XT_IO with errno; XT_NOMEM; XT_UNSUPPORTED on this machine. */
xt_status xt_journal_open(xt_journal *journal, const char *path,
                          const xt_journal_about *about);

/* Unmaps it all: no counter may be used any more. The file stays. */
void xt_journal_close(xt_journal *journal);

/* Closes it, and removes the file, in which nothing was counted. */
void xt_journal_discard(xt_journal *journal);

/* The functions below return false when there is no room, and from then on
   always; the header says so. */

/* Sets *number to that of a string, which is new or known. */
bool xt_journal_string(xt_journal *journal, const char *bytes, size_t len,
                       uint32_t *number);

bool xt_journal_note(xt_journal *journal, const char *key, const char *value);

/* What there was before, of code that is added late; NULL: nothing. */
typedef struct {
    const uint64_t *slots;
    const uint64_t *breaks; /* left, handled, fired; NULL: none */
    uint32_t points;
} xt_journal_base;

/* Adds code, with counters at *slots: zeros, or what `base` has. *record is
   the record's place in the file. */
bool xt_journal_add_code(xt_journal *journal, const xt_journal_code *code,
                         const unsigned char *const bytes[3],
                         const xt_journal_base *base, uint64_t *record,
                         uint64_t **slots);

/* Says of code that its counts are asked for. */
void xt_journal_want(xt_journal *journal, uint64_t record);

/* Adds the counters of a code's exceptions, 3 * points, or of its sides, which
   are 1 + 3 * points. */
bool xt_journal_add_breaks(xt_journal *journal, uint64_t record,
                           uint32_t points, uint64_t **counters);
bool xt_journal_add_sides(xt_journal *journal, uint64_t record,
                          uint32_t points, uint64_t **counters);

/* Adds the counters of XT_JOURNAL_PAGE lines of a file. */
bool xt_journal_add_lines(xt_journal *journal, uint32_t file, uint32_t first,
                          uint64_t **counters);

/* Adds the counter of a call. */
bool xt_journal_add_call(xt_journal *journal, const xt_journal_call *call,
                         uint64_t **counter);

/* Adds the events that a frame has or will have: xt_journal_body says what is
   to be kept in *body. */
bool xt_journal_add_body(xt_journal *journal, uint32_t file,
                         const int32_t *lines, size_t len,
                         xt_journal_body **body);

/* Notes the frames that run, outermost first, in place of those before, and
   what the slots of their code are now. */
void xt_journal_set_stack(xt_journal *journal, const xt_journal_frame *frames,
                          size_t len);

/* Around fork(), in the thread that forks: the child has its memory for
   itself, with what was counted until then, and the file no more. */
void xt_journal_before_fork(xt_journal *journal);
void xt_journal_in_parent(xt_journal *journal);
void xt_journal_in_child(xt_journal *journal);

#endif
