// SPDX-License-Identifier: Apache-2.0
#include "bitset.h"

#include <string.h>

#include "mem.h"

void
xt_bitset_fini(xt_bitset *set)
{
    xt_free(set->words);
    *set = (xt_bitset){0};
}

xt_status
xt_bitset_add(xt_bitset *set, size_t item)
{
    size_t word = item / 64;
    if (word >= set->cap) {
        size_t old = set->cap;
        uint64_t *words =
            xt_grow(set->words, &set->cap, word + 1, sizeof(*words));
        if (words == NULL) {
            return XT_NOMEM;
        }
        memset(words + old, 0, (set->cap - old) * sizeof(*words));
        set->words = words;
    }
    set->words[word] |= UINT64_C(1) << (item % 64);
    return XT_OK;
}

void
xt_bitset_remove(xt_bitset *set, size_t item)
{
    if (item / 64 < set->cap) {
        set->words[item / 64] &= ~(UINT64_C(1) << (item % 64));
    }
}

void
xt_bitset_subtract(xt_bitset *set, const xt_bitset *gone)
{
    size_t n = set->cap < gone->cap ? set->cap : gone->cap;
    for (size_t i = 0; i < n; i++) {
        set->words[i] &= ~gone->words[i];
    }
}

bool
xt_bitset_next(const xt_bitset *set, size_t *item)
{
    for (size_t at = *item; at / 64 < set->cap;) {
        uint64_t rest = set->words[at / 64] >> (at % 64);
        if (rest == 0) {
            at = (at / 64 + 1) * 64;
            continue;
        }
        while ((rest & 1) == 0) {
            rest >>= 1;
            at++;
        }
        *item = at;
        return true;
    }
    return false;
}
