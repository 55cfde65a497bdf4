// SPDX-License-Identifier: Apache-2.0
/* The container of our own counts file: tables of 64-bit numbers and runs of
 * bytes, each with a kind, found by offset. What the kinds mean is for whoever
 * writes and reads them (docs/counts-file-format.md).
 *
 * All numbers are little-endian. The file begins with a header of 40 bytes:
 *
 *     0  magic, 8 bytes: 89 'E' 'X' 'T' 0D 0A 1A 0A
 *     8  u32 version of the format: 1
 *    12  u32 number of sections
 *    16  u64 length of the file in bytes
 *    24  u64 check of the section table
 *    32  u64 0
 *
 * The section table follows, 40 bytes for each:
 *
 *     0  u32 kind
 *     4  u32 columns; 0: bytes
 *     8  u64 offset in the file, a multiple of 8
 *    16  u64 length in bytes: a multiple of 8 times the columns
 *    24  u64 check of the content
 *    32  u64 0
 *
 * Sections follow in this order without overlapping, each padded with zeros to
 * a multiple of 8. A check is SipHash-1-3 with a key of zeros: it finds
 * damage, not forgery.
 */
#ifndef XT_TABLES_H
#define XT_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"

enum {
    XT_TABLES_VERSION = 1,
    XT_TABLES_HEADER = 40,
    XT_TABLES_ENTRY = 40,
    XT_TABLES_MAX_SECTIONS = 1024,
    XT_TABLES_MAX_COLUMNS = 64,
};

typedef struct {
    uint32_t kind;
    uint32_t columns;     /* 0: bytes; else the length is whole rows */
    const uint8_t *bytes; /* borrowed */
    uint64_t len;         /* in bytes */
} xt_section;

/* What is wrong with a file, and where. */
typedef struct {
    size_t offset;
    const char *what; /* static storage */
} xt_tables_fault;

/* Appends the file to `out`. XT_NOMEM leaves the buffer as it was, as does
   XT_UNSUPPORTED: more sections or columns than a file may have, or a section
   that ends in the middle of a row. */
xt_status xt_tables_write(const xt_section *sections, size_t count,
                          xt_buf *out);

/* Checks a whole file, and sets *sections (owned by the caller, xt_free) to
   its sections, with bytes borrowed from the file, and *count. XT_CORRUPT, or
   XT_UNSUPPORTED for a file of another version, with *fault set; XT_NOMEM. */
xt_status xt_tables_read(const uint8_t *bytes, size_t len,
                         xt_section **sections, size_t *count,
                         xt_tables_fault *fault);

/* Whether bytes begin as such a file does. */
int xt_tables_is_file(const uint8_t *bytes, size_t len);

#endif
