// SPDX-License-Identifier: Apache-2.0
/* A growable set of small non-negative integers, such as line numbers. */
#ifndef XT_BITSET_H
#define XT_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Zero is a valid empty set. */
typedef struct {
    uint64_t *words; /* owned; NULL while cap is 0 */
    size_t cap;      /* in words; all of them are initialised */
} xt_bitset;

void xt_bitset_fini(xt_bitset *set);

/* Adds `item`. XT_NOMEM leaves the set as it was. */
xt_status xt_bitset_add(xt_bitset *set, size_t item);

/* Takes `item` out; it need not be in the set. */
void xt_bitset_remove(xt_bitset *set, size_t item);

/* Takes every member of `gone` out of `set`. */
void xt_bitset_subtract(xt_bitset *set, const xt_bitset *gone);

/* Whether `item` is in the set. */
static inline bool
xt_bitset_has(const xt_bitset *set, size_t item)
{
    size_t word = item / 64;
    return word < set->cap && (set->words[word] >> (item % 64) & 1) != 0;
}

/* Finds the smallest member that is not below `*item`, and puts it there.
   Returns false, with `*item` untouched, when there is none. */
bool xt_bitset_next(const xt_bitset *set, size_t *item);

#endif
