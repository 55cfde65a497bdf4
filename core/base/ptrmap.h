// SPDX-License-Identifier: Apache-2.0
/* A hash map from addresses to addresses.
 *
 * Workload: one insertion and one removal for every call of a traced program
 * and a look-up whenever the running frame changes; a few dozen entries at a
 * time (the depth of the stack). Open addressing with linear probing, at most
 * half full; a removal moves later entries back, so there are no tombstones
 * and a look-up always ends at the first empty place.
 */
#ifndef XT_PTRMAP_H
#define XT_PTRMAP_H

#include <stddef.h>
#include <stdint.h>

#include "status.h"

typedef struct {
    const void *key; /* NULL: the place is empty */
    void *value;
} xt_ptrmap_entry;

/* Zero is a valid empty map. */
typedef struct {
    xt_ptrmap_entry *entries; /* owned; `mask + 1` places, NULL when empty */
    size_t mask;              /* number of places - 1: a power of two - 1 */
    size_t used;
} xt_ptrmap;

void xt_ptrmap_fini(xt_ptrmap *map);

/* Drops all entries, keeps the memory. */
void xt_ptrmap_clear(xt_ptrmap *map);

/* Maps `key` (not NULL) to `value`, in place of what it was mapped to before.
   XT_NOMEM leaves the map as it was. */
xt_status xt_ptrmap_set(xt_ptrmap *map, const void *key, void *value);

/* Forgets `key`. Returns whether it was there. */
int xt_ptrmap_remove(xt_ptrmap *map, const void *key);

/* Objects lie at multiples of 16: the low bits say nothing. */
static inline size_t
xt_ptrmap_home(const xt_ptrmap *map, const void *key)
{
    uint64_t bits = (uint64_t)(uintptr_t)key >> 4;
    return (size_t)((bits * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & map->mask;
}

/* What `key` is mapped to; NULL when it is not there. */
static inline void *
xt_ptrmap_get(const xt_ptrmap *map, const void *key)
{
    if (map->used == 0) {
        return NULL;
    }
    size_t i = xt_ptrmap_home(map, key);
    while (map->entries[i].key != NULL) {
        if (map->entries[i].key == key) {
            return map->entries[i].value;
        }
        i = (i + 1) & map->mask;
    }
    return NULL;
}

#endif
