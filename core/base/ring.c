// SPDX-License-Identifier: Apache-2.0
#include "ring.h"

#include <stdatomic.h>
#include <string.h>

#include "mem.h"

xt_status
xt_ring_init(xt_ring *ring, size_t cap)
{
    size_t room = 0;
    xt_ring_line *lines = xt_grow(NULL, &room, cap, sizeof(*lines));
    if (lines == NULL) {
        return XT_NOMEM;
    }
    memset(lines, 0, room * sizeof(*lines));
    *ring = (xt_ring){.lines = lines, .cap = cap};
    return XT_OK;
}

void
xt_ring_fini(xt_ring *ring)
{
    for (size_t i = 0; i < ring->cap; i++) {
        xt_free(ring->lines[i].bytes);
    }
    xt_free(ring->lines);
    *ring = (xt_ring){0};
}

void
xt_ring_clear(xt_ring *ring)
{
    for (size_t i = 0; i < ring->cap; i++) {
        ring->lines[i].len = 0;
    }
    ring->total = 0;
    ring->taken = 0;
}

/* Where to cut, so that no character of UTF-8 is cut in two. */
static size_t
cut_before(const char *bytes, size_t len)
{
    while (len > 0 && ((unsigned char)bytes[len] & 0xC0) == 0x80) {
        len--;
    }
    return len;
}

xt_status
xt_ring_put(xt_ring *ring, const char *bytes, size_t len)
{
    static const char cut[] = "...\n";
    if (ring->cap == 0 || len == 0) {
        return XT_OK;
    }
    size_t kept = len;
    if (len > XT_RING_LINE_MAX) {
        kept = cut_before(bytes, XT_RING_LINE_MAX - strlen(cut));
        len = kept + strlen(cut);
    }
    xt_ring_line *line = &ring->lines[ring->total % ring->cap];
    line->len = 0;
    atomic_thread_fence(memory_order_seq_cst);
    ring->total++;
    if (line->cap < len) {
        char *room = xt_grow(line->bytes, &line->cap, len, 1);
        if (room == NULL) {
            return XT_NOMEM;
        }
        line->bytes = room;
    }
    memcpy(line->bytes, bytes, kept);
    memcpy(line->bytes + kept, cut, len - kept);
    atomic_thread_fence(memory_order_seq_cst);
    line->len = len;
    return XT_OK;
}

/* The number of the oldest line that is held. */
static size_t
first_of(const xt_ring *ring)
{
    size_t kept = ring->total < ring->cap ? 0 : ring->total - ring->cap;
    return kept > ring->taken ? kept : ring->taken;
}

void
xt_ring_take(xt_ring *ring)
{
    ring->taken = first_of(ring) + 1;
}

size_t
xt_ring_len(const xt_ring *ring)
{
    size_t first = first_of(ring);
    return first < ring->total ? ring->total - first : 0;
}

const xt_ring_line *
xt_ring_at(const xt_ring *ring, size_t place)
{
    return &ring->lines[(first_of(ring) + place) % ring->cap];
}
