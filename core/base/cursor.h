// SPDX-License-Identifier: Apache-2.0
/* A place in bytes from outside. Every read is checked against the end: it
   returns 0, and moves nothing, when too few bytes are left. */
#ifndef XT_CURSOR_H
#define XT_CURSOR_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *p;   /* borrowed; the next byte */
    const uint8_t *end; /* just behind the last byte */
} xt_cursor;

static inline size_t
xt_cursor_left(const xt_cursor *cur)
{
    return (size_t)(cur->end - cur->p);
}

/* Gives `len` bytes where they lie and steps over them. */
static inline int
xt_cursor_take(xt_cursor *cur, uint64_t len, const uint8_t **bytes)
{
    if (len > xt_cursor_left(cur)) {
        return 0;
    }
    *bytes = cur->p;
    cur->p += len;
    return 1;
}

/* The little-endian number in 8 bytes. Spelled out, so that compilers make one
   load of it. */
static inline uint64_t
xt_cursor_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
           (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
           (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* Reads a little-endian number of `size` bytes, at most 8. */
static inline int
xt_cursor_number(xt_cursor *cur, unsigned size, uint64_t *number)
{
    const uint8_t *bytes;
    if (!xt_cursor_take(cur, size, &bytes)) {
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    *number = value;
    return 1;
}

#endif
