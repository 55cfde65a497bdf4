// SPDX-License-Identifier: Apache-2.0
/* The sum of counts files: of any number of them, in memory that does not grow
 * with that number, and the same in whatever order they come.
 *
 * Workload: thousands of files that processes of one program have written, so
 * with nearly the same strings and rows in nearly the same order. A row is
 * looked for behind the last one that was found, and only then by its hash.
 */
#ifndef XT_MERGE_H
#define XT_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bitset.h"
#include "buf.h"
#include "mergespec.h"
#include "rowindex.h"
#include "status.h"
#include "strtab.h"
#include "tables.h"

/* Kinds of sections that are no tables of counts. */
enum {
    XT_MERGE_STRING_BYTES = 1,
    XT_MERGE_STRING_ENDS = 2,
    XT_MERGE_NOTES = 3,
};

/* Rows of numbers: a key, with strings as numbers of the merge's own, and
   behind it, in most kinds, what is summed: the hits. */
typedef struct {
    int64_t *rows; /* owned */
    size_t count;
    size_t cap; /* in numbers */
    xt_rowindex index;
    size_t next; /* the row behind the one that was found last */
} xt_merge_table;

/* Zero is a valid empty sum. */
typedef struct {
    xt_strtab strings;
    xt_merge_table tables[XT_MERGESPECS];
    uint32_t *numbers; /* owned; of the strings of the last file */
    size_t nnumbers, numbers_cap;
    uint32_t *notes; /* owned; of the last file: key, value, key, ... */
    size_t nnotes, notes_cap; /* in strings */
    bool too_large;           /* some sum is above INT64_MAX */
    bool is_sorted;           /* see xt_merge_sort() */
} xt_merge;

/* Text in UTF-8 as utf8.h has it. */
typedef struct {
    const char *bytes; /* borrowed */
    size_t len;
} xt_merge_text;

void xt_merge_fini(xt_merge *merge);

/* Adds a file. XT_CORRUPT, or XT_UNSUPPORTED for a file of another version,
   with *fault set and no count changed. XT_NOMEM (or XT_UNSUPPORTED without a
   fault: more than 2**32 rows): the sum is then of no more use. Keys that a
   file has twice are summed. */
xt_status xt_merge_add(xt_merge *merge, const uint8_t *bytes, size_t len,
                       xt_tables_fault *fault);

/* Adds to *found the numbers of all strings that name files in some row. */
xt_status xt_merge_paths(const xt_merge *merge, xt_bitset *found);

/* Gives files other names: from[i] becomes to[i], all at once; rows that then
   have one key are summed. On failure the sum is of no more use. */
xt_status xt_merge_rename(xt_merge *merge, const xt_merge_text *from,
                          const xt_merge_text *to, size_t count);

/* Puts rows that begin with one number together, so that they can be found,
   and frees what only adding needs: nothing can be added or renamed from then
   on. Can be called again. */
void xt_merge_sort(xt_merge *merge);

/* Sets *count to the number of rows of a table that begin with a string, once
   the sum is sorted, and returns the first of them; NULL if there are none.
   Valid until the sum is freed. */
const int64_t *xt_merge_rows_of(const xt_merge *merge, size_t table,
                                uint32_t string, size_t *count);

/* Appends a file with the sum to `out`: strings and rows in their order, so
   that equal sums have equal bytes. `notes` has `count` pairs: key, value.
   XT_UNSUPPORTED: a sum is above INT64_MAX. */
xt_status xt_merge_write(xt_merge *merge, const xt_merge_text *notes,
                         size_t count, xt_buf *out);

#endif
