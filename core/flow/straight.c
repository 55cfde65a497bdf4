// SPDX-License-Identifier: Apache-2.0
#include "straight.h"

#include <string.h>

#include "pass.h"

enum { WORD = sizeof(uint64_t) };

/* The sum of the bytes of a word, which must be less than 256. */
static unsigned
sum_bytes(uint64_t word)
{
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

/* How many code units the entries of the location table cover that begin in a
   word of it: each begins with a byte whose top bit is set, and whose last
   three say how many code units it covers, less one. */
static unsigned
covered_by(uint64_t word)
{
    uint64_t heads = word >> 7 & UINT64_C(0x0101010101010101);
    return sum_bytes((word & 7 * heads) + heads);
}

/* Whether the entries of the location table cover all code and no more. */
static bool
is_covered(const xt_code_view *view, uint32_t units)
{
    size_t covered = 0;
    size_t at = 0;
    for (; at + WORD <= view->locations_len; at += WORD) {
        uint64_t word;
        memcpy(&word, view->locations + at, WORD);
        covered += covered_by(word);
    }
    for (; at < view->locations_len; at++) {
        covered += covered_by(view->locations[at]);
    }
    return covered == units && units > 0 && (view->locations[0] & 0x80) != 0;
}

bool
xt_straight_is(const xt_code_view *view, uint32_t *start)
{
    uint32_t units = (uint32_t)(view->code_len / 2);
    bool resumes = false;
    uint32_t unit = 0;
    while (view->exceptions_len == 0 &&
           (unit = xt_pass_plain(view, unit, units)) < units) {
        const xt_step next = xt_pass_step(view, unit);
        unit = next.end;
        switch ((xt_opcode_kind)next.kind) {
        case XT_KIND_PLAIN: /* with an EXTENDED_ARG */
        case XT_KIND_CALL:
            break;
        case XT_KIND_RESUME:
            if (resumes) {
                return false;
            }
            resumes = true;
            *start = unit;
            break;
        case XT_KIND_RETURN:
        case XT_KIND_RAISE:
            return resumes && unit == units && is_covered(view, units);
        default:
            return false;
        }
    }
    return false;
}

xt_straight
xt_straight_begin(const void *table, size_t len, int first_line,
                  uint32_t start)
{
    xt_straight way = {
        .start = start,
        .from = start,
        .to = XT_NONE,
        .line = -1,
    };
    xt_location_start(&way.places, table, len, first_line);
    return way;
}

/* The rules of lines.c, where control only ever falls into the next
   instruction: an event wherever the line changes, from the instruction behind
   RESUME on. */
bool
xt_straight_next(xt_straight *way)
{
    for (;;) {
        uint32_t unit = way->places.unit;
        int32_t before = unit <= way->start ? -1 : way->line;
        bool more;
        if (xt_location_next_run(&way->places, &way->line, &more) != XT_OK ||
            !more || unit >= way->to) {
            way->to = 0;
            return false;
        }
        way->unit = unit > way->start ? unit : way->start;
        if (way->places.unit > way->start && way->line >= 0 &&
            way->line != before && way->unit >= way->from &&
            way->unit < way->to) {
            return true;
        }
    }
}
