// SPDX-License-Identifier: Apache-2.0
/* Comparing tallies whatever the order of their rows, for tests. */
#ifndef XT_SAME_TALLY_H
#define XT_SAME_TALLY_H

#include "tally.h"

/* The number of one of `from`'s strings in `to`, which learns it if new. */
static inline uint32_t
same_string(const xt_tally *from, uint32_t id, xt_tally *to)
{
    uint32_t number = XT_STRTAB_NONE;
    if (id != XT_STRTAB_NONE) {
        size_t len;
        const char *bytes = xt_strtab_get(&from->strings, id, &len);
        (void)xt_strtab_intern(&to->strings, bytes, len, &number);
    }
    return number;
}

static inline uint32_t
same_function(const xt_tally *from, uint32_t function, xt_tally *to)
{
    const xt_tally_function *row = &from->functions[function];
    uint32_t number = UINT32_MAX;
    (void)xt_tally_function_number(to, same_string(from, row->file, to),
                                   same_string(from, row->module, to),
                                   same_string(from, row->name, to), &number);
    return number;
}

static inline size_t
number_called(const xt_tally *tally)
{
    size_t n = 0;
    for (size_t i = 0; i < tally->nfunctions; i++) {
        n += tally->functions[i].called;
    }
    return n;
}

/* Whether both hold the same rows. `b` may be changed when not. */
static inline int
same_tally(const xt_tally *a, xt_tally *b)
{
    size_t ncalls = b->ncalls;
    if (a->ncounts != b->ncounts || a->ncalls != ncalls ||
        number_called(a) != number_called(b)) {
        return 0;
    }
    for (size_t i = 0; i < a->ncounts; i++) {
        const xt_tally_count *row = &a->counts[i];
        uint32_t file = same_string(a, row->file, b);
        if (xt_tally_get_count(b, file, row->line) != row->count) {
            return 0;
        }
    }
    for (size_t i = 0; i < a->nfunctions; i++) {
        uint32_t function = same_function(a, (uint32_t)i, b);
        if (a->functions[i].called != b->functions[function].called) {
            return 0;
        }
    }
    for (size_t i = 0; i < a->ncalls; i++) {
        uint32_t caller = same_function(a, a->calls[i].caller, b);
        uint32_t callee = same_function(a, a->calls[i].callee, b);
        (void)xt_tally_add_call(b, caller, callee);
        if (b->ncalls != ncalls) {
            return 0;
        }
    }
    return 1;
}

#endif
