// SPDX-License-Identifier: Apache-2.0
/* Ranges of line numbers, as a user writes them: "10-20,30,40-". */
#ifndef XT_RANGES_H
#define XT_RANGES_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

typedef struct {
    int from;
    int to; /* inclusive */
} xt_range;

/* Zero is a valid empty set of ranges. */
typedef struct {
    xt_range *items; /* owned; as they came, they may overlap */
    size_t len;
    size_t cap;
} xt_ranges;

void xt_ranges_fini(xt_ranges *ranges);

/* Adds what the text says: numbers N, ranges N-M, and N- for N and all after
   it, parted by commas. XT_CORRUPT when it is something else (a range that
   ends before it begins, too), XT_NOMEM; the ranges are as before then. */
xt_status xt_ranges_parse(xt_ranges *ranges, const char *text, size_t len);

static inline bool
xt_ranges_has(const xt_ranges *ranges, int line)
{
    for (size_t i = 0; i < ranges->len; i++) {
        if (ranges->items[i].from <= line && line <= ranges->items[i].to) {
            return true;
        }
    }
    return false;
}

#endif
