// SPDX-License-Identifier: Apache-2.0
/* The annotated listing of one source file: every line with a margin that
   says how often it ran.

       "%5d: "    it ran so often
       ">>>>>> "  it can run but did not
       7 spaces   anything else

   Tabs are expanded to columns of eight, counted in characters. */
#ifndef XT_ANNOTATE_H
#define XT_ANNOTATE_H

#include <stddef.h>
#include <stdint.h>

#include "bitset.h"
#include "buf.h"
#include "status.h"

/* In place of a count: the line did not run. */
#define XT_ANNOTATE_NO_COUNT INT64_MIN

typedef struct {
    const char *text; /* UTF-8, lines ended by \n, the last one perhaps not */
    size_t len;
    const int64_t *counts; /* by line number; [0] is not used */
    size_t counts_len;     /* lines from here on did not run */
    const xt_bitset *executable;
    const char *pragma; /* a line that holds this text is never missing */
    size_t pragma_len;  /* 0: no such text */
} xt_annotate_source;

typedef struct {
    size_t hit;   /* lines that ran */
    size_t lines; /* those, and the missing ones */
} xt_annotate_totals;

/* Returns the number of lines of a text; an empty one has one line. */
size_t xt_annotate_count_lines(const char *text, size_t len);

/* Appends the listing of `source` to `out`; its last line always ends with a
   newline. XT_NOMEM leaves part of the listing in `out`. */
xt_status xt_annotate_write(const xt_annotate_source *source, xt_buf *out,
                            xt_annotate_totals *totals);

#endif
