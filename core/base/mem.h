// SPDX-License-Identifier: Apache-2.0
/* Every allocation of the core goes through here, so that a test build can
   make the n-th one fail (-DXT_FAILING_ALLOC). */
#ifndef XT_MEM_H
#define XT_MEM_H

#include <stddef.h>

/* As malloc, realloc and free. Zero bytes are served as one. */
void *xt_malloc(size_t size);
void *xt_realloc(void *old, size_t size);
void xt_free(void *old);

/* What the next two do where there is no room yet. */
void *xt_regrow(void *items, size_t *cap, size_t need, size_t size);
void *xt_replace(void *items, size_t *cap, size_t need, size_t size);

/* Returns `items` with room for at least `need` items of `size` bytes each,
   and sets *cap (in items) accordingly; the capacity at least doubles when it
   grows, so that appending costs O(1) on average. NULL when out of memory or
   when the size overflows: `items` and *cap are then untouched. */
static inline void *
xt_grow(void *items, size_t *cap, size_t need, size_t size)
{
    return need <= *cap && items != NULL ? items
                                         : xt_regrow(items, cap, need, size);
}

/* The same for items that need not be kept: they are not copied, which would
   touch memory that nobody has used yet. */
static inline void *
xt_renew(void *items, size_t *cap, size_t need, size_t size)
{
    return need <= *cap && items != NULL ? items
                                         : xt_replace(items, cap, need, size);
}

#ifdef XT_FAILING_ALLOC
/* Lets `successes` further allocations succeed and all later ones fail;
   a negative number switches the failing off. Not thread-safe. */
void xt_mem_fail_after(long successes);
#endif

#endif
