// SPDX-License-Identifier: Apache-2.0
#include "rowindex.h"

#include <string.h>

#include "hash.h"
#include "mem.h"

enum { FEWEST_PLACES = 16 };

void
xt_rowindex_fini(xt_rowindex *index)
{
    xt_free(index->places);
    *index = (xt_rowindex){0};
}

void
xt_rowindex_put(xt_rowindex *index, uint32_t hash, uint32_t row)
{
    size_t at = hash & index->mask;
    while (index->places[at].row1 != 0) {
        at = (at + 1) & index->mask;
    }
    index->places[at] = (xt_rowindex_place){.hash = hash, .row1 = row + 1};
    index->used++;
}

xt_status
xt_rowindex_reserve(xt_rowindex *index)
{
    size_t old = index->places == NULL ? 0 : index->mask + 1;
    if ((index->used + 1) * 2 <= old) {
        return XT_OK;
    }
    if (index->used >= UINT32_MAX - 1) {
        return XT_UNSUPPORTED;
    }
    size_t places = old == 0 ? FEWEST_PLACES : old * 2;
    if (places > SIZE_MAX / 2 / sizeof(*index->places)) {
        return XT_NOMEM;
    }
    xt_rowindex bigger = {.mask = places - 1, .key = index->key};
    bigger.places = xt_malloc(places * sizeof(*bigger.places));
    if (bigger.places == NULL) {
        return XT_NOMEM;
    }
    memset(bigger.places, 0, places * sizeof(*bigger.places));
    for (size_t i = 0; i < old; i++) {
        const xt_rowindex_place *place = &index->places[i];
        if (place->row1 != 0) {
            xt_rowindex_put(&bigger, place->hash, place->row1 - 1);
        }
    }
    if (old == 0) {
        /* Where memory lies is what a hostile input cannot know; results do
           not depend on it. */
        bigger.key = (uint64_t)(uintptr_t)bigger.places;
    }
    xt_free(index->places);
    *index = bigger;
    return XT_OK;
}

uint32_t
xt_rowindex_hash(const xt_rowindex *index, const void *key, size_t len)
{
    return (uint32_t)xt_hash_bytes(index->key, ~index->key, key, len);
}
