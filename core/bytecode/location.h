// SPDX-License-Identifier: Apache-2.0
/* The location table of a code object: which source line every instruction
   belongs to. CPython 3.11 and later share this format:

   entry:      [1 kind:4 length-1:3] then bytes with the top bit clear
   kind 0-9    same line; one byte of columns
   kind 10-12  line + (kind - 10); two bytes of columns
   kind 13     line + svarint; no columns
   kind 14     line + svarint; three varints (end line, two columns)
   kind 15     no line at all

   A varint is a run of 6-bit groups, lowest first, bit 6 set on all but the
   last; an svarint keeps its sign in bit 0. The table is bytes from outside
   (a compiled file can hold anything), so nothing in it is believed. */
#ifndef XT_LOCATION_H
#define XT_LOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitset.h"
#include "buf.h"
#include "status.h"

/* Reads a table from the front. Fill it with xt_location_start(). */
typedef struct {
    const unsigned char *at;  /* borrowed */
    const unsigned char *end; /* borrowed */
    int64_t line;             /* of the latest entry that has one */
    uint32_t unit;            /* behind the latest entry */
} xt_location_reader;

/* One entry as it stands in its table: a run of instructions that share a
   place in the source. Most are never asked for their columns. */
typedef struct {
    const unsigned char *bytes; /* borrowed from the table */
    uint32_t bytes_len;
    int32_t line_before; /* the line that its own is told from */
    int32_t line;        /* valid if has_line */
    uint32_t end;        /* the code unit behind those that it covers */
    uint8_t units;       /* 2-byte code units covered, 1 to 8 */
    bool has_line;
} xt_location_entry;

/* A place in the source. */
typedef struct {
    bool has_line;
    int64_t line;       /* valid if has_line, as are the rest */
    int64_t end_line;   /* not before `line` in what a compiler writes */
    int64_t column;     /* in bytes of UTF-8 from 0; -1: not known */
    int64_t end_column; /* the same */
} xt_location;

/* Starts reading `len` bytes, which must outlive the reader. */
void xt_location_start(xt_location_reader *reader, const void *table,
                       size_t len, int64_t first_line);

/* Reads the next entry. At the end of the table *more is false and the entry
   untouched. XT_CORRUPT if the bytes break the format or leave the range of
   a 32-bit line number. */
xt_status xt_location_next(xt_location_reader *reader,
                           xt_location_entry *entry, bool *more);

/* The same for who needs only the line, -1 for none; reader->unit is behind
   the entry. */
xt_status xt_location_next_line(xt_location_reader *reader, int32_t *line,
                                bool *more);

/* The same for all entries up to one of another line. */
xt_status xt_location_next_run(xt_location_reader *reader, int32_t *line,
                               bool *more);

/* The place that an entry tells of. */
xt_location xt_location_of(const xt_location_entry *entry);

/* Writes a table, in the shortest forms, as CPython's compiler does. */
typedef struct {
    xt_buf table; /* owned */
    int64_t line; /* of the latest entry that has one */
} xt_location_writer;

/* Appends entries for `units` code units (any number) at one place. XT_NOMEM
   may leave a part of them written. */
xt_status xt_location_write(xt_location_writer *writer,
                            const xt_location *place, size_t units);

/* The same for the place of an entry, whose bytes are taken if they say just
   that here. */
xt_status xt_location_write_entry(xt_location_writer *writer,
                                  const xt_location_entry *entry,
                                  size_t units);

/* Appends `len` entries that follow upon each other in one table, as they
   are. XT_NOMEM as above. */
xt_status xt_location_write_entries(xt_location_writer *writer,
                                    const xt_location_entry *entries,
                                    size_t len);

/* What the line numbers of a table are gathered into. Lines outside 0 to
   `limit` are left out: no source can have them, and so a forged table
   cannot make the set huge. */
typedef struct {
    xt_bitset lines;
    size_t limit;
    bool has_gap; /* some instruction has no line */
} xt_location_lines;

/* Adds every line of the table to `into`. XT_CORRUPT as above, or XT_NOMEM;
   the set may then hold some of the lines. */
xt_status xt_location_collect(const void *table, size_t len,
                              int64_t first_line, xt_location_lines *into);

#endif
