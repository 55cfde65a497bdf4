// SPDX-License-Identifier: Apache-2.0
/* The counts of a process, as rows of a counts file. */
#ifndef XT_RECOVERED_H
#define XT_RECOVERED_H

#include "buf.h"
#include "journal_read.h"
#include "rows.h"

/* Strings are those of the journal; behind them, the names of the kinds of
   branches. */
typedef struct {
    xt_rows notes;
    xt_rows lines;
    xt_rows sides;
    xt_rows calls;
    xt_rows call_graph;
    xt_rows
        unsure_high; /* file, line, by how much the count can be too high */
    xt_rows unsure_low;
} xt_recovered;

#define XT_RECOVERED_EMPTY                                                    \
    {                                                                         \
        .notes = {.width = 2},                                                \
        .lines = {.width = 3},                                                \
        .sides = {.width = 8},                                                \
        .calls = {.width = 4},                                                \
        .call_graph = {.width = 7},                                           \
        .unsure_high = {.width = 3},                                          \
        .unsure_low = {.width = 3},                                           \
    }

void xt_recovered_fini(xt_recovered *found);

/* Adds to the row with a key; the sum stays within 64 bits. */
xt_status xt_recovered_add(xt_rows *rows, const int64_t *key, int64_t count);

/* Hits as they lie in a journal, within 63 bits. */
int64_t xt_recovered_hits(const uint8_t *at);

/* Adds a record whose meaning needs no other. */
xt_status xt_recovered_add_plain(xt_recovered *found,
                                 const xt_journal_plain *plain);

/* Appends the counts file. */
xt_status xt_recovered_write(xt_recovered *found,
                             const xt_journal_content *content, xt_buf *out);

#endif
