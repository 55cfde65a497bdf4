// SPDX-License-Identifier: Apache-2.0
#include "ptrmap.h"

#include <string.h>

#include "mem.h"

enum { FIRST_PLACES = 64 };

void
xt_ptrmap_fini(xt_ptrmap *map)
{
    xt_free(map->entries);
    *map = (xt_ptrmap){0};
}

void
xt_ptrmap_clear(xt_ptrmap *map)
{
    if (map->entries != NULL) {
        memset(map->entries, 0, (map->mask + 1) * sizeof(*map->entries));
    }
    map->used = 0;
}

/* The place of `key`, or the empty place where it belongs. */
static xt_ptrmap_entry *
find_place(const xt_ptrmap *map, const void *key)
{
    size_t i = xt_ptrmap_home(map, key);
    while (map->entries[i].key != NULL && map->entries[i].key != key) {
        i = (i + 1) & map->mask;
    }
    return &map->entries[i];
}

static xt_status
grow(xt_ptrmap *map)
{
    size_t places = map->entries == NULL ? FIRST_PLACES : (map->mask + 1) * 2;
    if (places > SIZE_MAX / sizeof(*map->entries)) {
        return XT_NOMEM;
    }
    xt_ptrmap bigger = {.mask = places - 1, .used = map->used};
    bigger.entries = xt_malloc(places * sizeof(*bigger.entries));
    if (bigger.entries == NULL) {
        return XT_NOMEM;
    }
    memset(bigger.entries, 0, places * sizeof(*bigger.entries));
    for (size_t i = 0; map->entries != NULL && i <= map->mask; i++) {
        if (map->entries[i].key != NULL) {
            *find_place(&bigger, map->entries[i].key) = map->entries[i];
        }
    }
    xt_free(map->entries);
    *map = bigger;
    return XT_OK;
}

xt_status
xt_ptrmap_set(xt_ptrmap *map, const void *key, void *value)
{
    if (map->entries == NULL || (map->used + 1) * 2 > map->mask + 1) {
        xt_status status = grow(map);
        if (status != XT_OK) {
            return status;
        }
    }
    xt_ptrmap_entry *place = find_place(map, key);
    if (place->key == NULL) {
        place->key = key;
        map->used++;
    }
    place->value = value;
    return XT_OK;
}

int
xt_ptrmap_remove(xt_ptrmap *map, const void *key)
{
    if (map->used == 0) {
        return 0;
    }
    size_t hole = (size_t)(find_place(map, key) - map->entries);
    if (map->entries[hole].key == NULL) {
        return 0;
    }
    map->used--;
    /* Knuth, The Art of Computer Programming 6.4, algorithm R: an entry
       further on moves into the hole unless its home lies between the two. */
    size_t i = hole;
    for (;;) {
        map->entries[hole].key = NULL;
        size_t home;
        do {
            i = (i + 1) & map->mask;
            if (map->entries[i].key == NULL) {
                return 1;
            }
            home = xt_ptrmap_home(map, map->entries[i].key);
        } while (((i - home) & map->mask) < ((i - hole) & map->mask));
        map->entries[hole] = map->entries[i];
        hole = i;
    }
}
