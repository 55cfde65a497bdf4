// SPDX-License-Identifier: Apache-2.0
/* A hash index over rows that live in an array elsewhere: finds the number
 * of a row from the hash of its key.
 *
 *     xt_status status = xt_rowindex_reserve(&index);
 *     uint32_t hash = xt_rowindex_hash(&index, key, sizeof key);
 *     xt_rowindex_probe probe = xt_rowindex_start(&index, hash);
 *     while (xt_rowindex_next(&index, &probe)) {
 *         if (rows[probe.row] has that key) { found }
 *     }
 *     append the row; xt_rowindex_put(&index, hash, its number);
 *
 * Open addressing with linear probing, at most half full. Rows are never
 * taken out. The order of the rows stays that of the caller's array, so that
 * nothing which is printed depends on the hash.
 */
#ifndef XT_ROWINDEX_H
#define XT_ROWINDEX_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct {
    uint32_t hash;
    uint32_t row1; /* number of the row + 1; 0: the place is empty */
} xt_rowindex_place;

/* Zero is a valid empty index. */
typedef struct {
    xt_rowindex_place *places; /* owned; `mask + 1` places, NULL when empty */
    size_t mask;               /* number of places - 1: a power of two - 1 */
    size_t used;
    uint64_t key; /* of the hash; drawn at the first reservation */
} xt_rowindex;

typedef struct {
    size_t at;     /* the next place to look at */
    uint32_t hash; /* what is looked for */
    uint32_t row;  /* the row found */
} xt_rowindex_probe;

void xt_rowindex_fini(xt_rowindex *index);

/* Makes room for one more row. XT_NOMEM leaves the index as it was;
   XT_UNSUPPORTED when there are 2**32 - 2 rows already. */
xt_status xt_rowindex_reserve(xt_rowindex *index);

/* The hash of a row's key. The index must have been reserved before. */
uint32_t xt_rowindex_hash(const xt_rowindex *index, const void *key,
                          size_t len);

/* Enters a row that is not there yet, into room that was reserved. */
void xt_rowindex_put(xt_rowindex *index, uint32_t hash, uint32_t row);

static inline xt_rowindex_probe
xt_rowindex_start(const xt_rowindex *index, uint32_t hash)
{
    return (xt_rowindex_probe){.at = hash & index->mask, .hash = hash};
}

/* Steps to the next row with the wanted hash and sets probe->row. Returns 0
   when there is none. */
static inline int
xt_rowindex_next(const xt_rowindex *index, xt_rowindex_probe *probe)
{
    if (index->places == NULL) {
        return 0;
    }
    for (;;) {
        const xt_rowindex_place *place = &index->places[probe->at];
        if (place->row1 == 0) {
            return 0;
        }
        probe->at = (probe->at + 1) & index->mask;
        if (place->hash == probe->hash) {
            probe->row = place->row1 - 1;
            return 1;
        }
    }
}

#endif
