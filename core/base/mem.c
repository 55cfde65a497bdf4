// SPDX-License-Identifier: Apache-2.0
#include "mem.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef XT_FAILING_ALLOC
/* The one mutable global of the core, and of test builds only. */
static long successes_left = -1;

void
xt_mem_fail_after(long successes)
{
    successes_left = successes;
}

static int
must_fail(void)
{
    if (successes_left < 0) {
        return 0;
    }
    if (successes_left == 0) {
        return 1;
    }
    successes_left--;
    return 0;
}
#else
static inline int
must_fail(void)
{
    return 0;
}
#endif

void *
xt_malloc(size_t size)
{
    return must_fail() ? NULL : malloc(size == 0 ? 1 : size);
}

void *
xt_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : realloc(old, size == 0 ? 1 : size);
}

void
xt_free(void *old)
{
    free(old);
}

/* The capacity to grow to, or 0 if that overflows. */
static size_t
grown_cap(size_t cap, size_t need, size_t size)
{
    size_t wanted = cap < 4 ? 8 : cap * 2;
    if (wanted < need) {
        wanted = need;
    }
    return wanted > SIZE_MAX / 2 / size ? 0 : wanted;
}

void *
xt_regrow(void *items, size_t *cap, size_t need, size_t size)
{
    size_t wanted = grown_cap(*cap, need, size);
    void *grown = wanted == 0 ? NULL : xt_realloc(items, wanted * size);
    if (grown != NULL) {
        *cap = wanted;
    }
    return grown;
}

void *
xt_replace(void *items, size_t *cap, size_t need, size_t size)
{
    size_t wanted = grown_cap(*cap, need, size);
    void *made = wanted == 0 ? NULL : xt_malloc(wanted * size);
    if (made != NULL) {
        xt_free(items);
        *cap = wanted;
    }
    return made;
}
