// SPDX-License-Identifier: Apache-2.0
/* What stands in the file that journal.h describes, whoever wrote it. */
#ifndef XT_JOURNAL_READ_H
#define XT_JOURNAL_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal.h"
#include "status.h"
#include "tables.h"

/* Counters of code, as bytes of numbers. */
typedef struct {
    uint64_t points;
    const uint8_t *counters; /* borrowed; NULL: there are none */
} xt_journal_counters;

typedef struct {
    uint64_t record; /* where in the file */
    xt_journal_code code;
    const uint8_t *slots;    /* borrowed, with all below */
    const uint8_t *then;     /* slots when the frames were noted */
    const uint8_t *bytes[3]; /* code, locations, exceptions */
    xt_journal_counters breaks;
    xt_journal_counters sides; /* `started` first */
    const uint8_t *base_slots; /* NULL: nothing was before */
    xt_journal_counters base;  /* breaks */
} xt_journal_coded;

typedef struct {
    const uint8_t *bytes; /* borrowed */
    size_t len;
} xt_journal_string_bytes;

/* Content of a record whose meaning needs no other. */
typedef struct {
    xt_journal_kind kind;
    const uint8_t *content; /* borrowed; checked to be as long as it must be,
                               and its strings to be there */
} xt_journal_plain;

/* Arrays are owned. Zero is empty. */
typedef struct {
    xt_journal_header header;
    xt_journal_string_bytes *strings;
    size_t strings_len, strings_cap;
    xt_journal_coded *codes; /* in the order of the file */
    size_t codes_len, codes_cap;
    xt_journal_plain *plain; /* notes, lines, calls, bodies */
    size_t plain_len, plain_cap;
    xt_journal_frame stack[XT_JOURNAL_DEPTH]; /* outermost first */
    size_t stack_len;
} xt_journal_content;

void xt_journal_content_fini(xt_journal_content *content);

/* Whether the bytes begin as such a file does. */
bool xt_journal_is_file(const uint8_t *bytes, size_t len);

/* Reads the header alone. XT_CORRUPT, or XT_UNSUPPORTED for a file of another
   version, with *fault set. */
xt_status xt_journal_read_header(const uint8_t *bytes, size_t len,
                                 xt_journal_header *header,
                                 xt_tables_fault *fault);

/* Reads all that was complete. The result borrows from the bytes, and is to be
   freed also after a failure: those above, or XT_NOMEM. */
xt_status xt_journal_read(const uint8_t *bytes, size_t len,
                          xt_journal_content *content, xt_tables_fault *fault);

/* The code whose record is at a place in the file, or NULL. */
xt_journal_coded *xt_journal_find_code(const xt_journal_content *content,
                                       uint64_t record);

static inline uint32_t
xt_journal_u32(const uint8_t *at)
{
    uint32_t number = 0;
    for (int i = 0; i < 4; i++) {
        number |= (uint32_t)at[i] << (8 * i);
    }
    return number;
}

static inline uint64_t
xt_journal_u64(const uint8_t *at)
{
    return xt_journal_u32(at) | (uint64_t)xt_journal_u32(at + 4) << 32;
}

#endif
