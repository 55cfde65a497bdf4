// SPDX-License-Identifier: Apache-2.0
#include "history.h"

#include "recall.h"

/* Before anything is shifted in. */
enum { MARK = 1 };

/* The inline cache of a conditional jump: the last of its code units. */
static uint32_t
cache_of(const xt_segment *segments, size_t at)
{
    return segments[at + 1].unit - 1;
}

static bool
remembers(const xt_segment *segments, size_t len, size_t at)
{
    return segments[at].end == XT_KIND_BRANCH && at + 1 < len;
}

void
xt_history_begin(const xt_segment *segments, size_t len, uint16_t *code)
{
    for (size_t i = 0; i < len; i++) {
        if (remembers(segments, len, i)) {
            code[cache_of(segments, i)] = MARK;
        }
    }
}

void
xt_history_add_calls(const xt_segment *segments, uint32_t resume,
                     int64_t calls, int64_t *hits)
{
    xt_segments_add_way(segments, resume, resume + 1, true, calls, hits);
}

void
xt_history_add_turns(const xt_segment *segments, size_t len,
                     const uint16_t *code, int64_t *hits)
{
    for (uint32_t i = 0; i < len; i++) {
        if (!remembers(segments, len, i)) {
            continue;
        }
        unsigned times;
        unsigned jumps = xt_recall_jumps(code[cache_of(segments, i)], &times);
        unsigned falls = times - jumps;
        xt_segments_add_way(segments, i, segments[i].target, true, jumps,
                            hits);
        xt_segments_add_way(segments, i, i + 1, true, falls, hits);
    }
}

void
xt_history_add_rest(const xt_segment *segments, size_t len, uint32_t stands,
                    int64_t times, int64_t *hits)
{
    uint32_t at = xt_segments_find(segments, len, stands);
    uint32_t next = xt_segments_follow(segments, at);
    xt_segments_add_way(segments, at, next, true, times, hits);
}

void
xt_history_add_handled(const xt_segment *segments, size_t len, uint32_t stands,
                       uint32_t handler, int64_t *hits)
{
    uint32_t to = xt_segments_find(segments, len, handler);
    if (segments[to].unit == handler) {
        uint32_t from = xt_segments_find(segments, len, stands);
        xt_segments_add_way(segments, from, to, false, 1, hits);
    }
}
