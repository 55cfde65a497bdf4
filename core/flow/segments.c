// SPDX-License-Identifier: Apache-2.0
#include "segments.h"

#include <string.h>

#include "lines.h"
#include "mem.h"
#include "pass.h"

enum {
    MINOR_313 = 13, /* before it, a line may be reported again after a call */
    MINOR_314 = 14, /* since then, NOT_TAKEN tells of jumps not taken */
};

void
xt_segments_fini(xt_segments *segments)
{
    xt_free(segments->items);
    xt_bitset_fini(&segments->starts);
    xt_exctable_fini(&segments->handlers);
    xt_free(segments->degree);
    *segments = (xt_segments){0};
}

uint32_t
xt_segments_follow(const xt_segment *segments, uint32_t at)
{
    switch ((xt_opcode_kind)segments[at].end) {
    case XT_KIND_PLAIN:
    case XT_KIND_RESUME:
    case XT_KIND_END_FOR:
    case XT_KIND_POP_ITER:
        return at + 1;
    case XT_KIND_JUMP:
    case XT_KIND_SILENT_JUMP:
        return segments[at].target;
    default:
        return XT_NONE;
    }
}

/* The rules are those of lines.c. */
bool
xt_segments_fire(const xt_segment *segments, uint32_t from, uint32_t to,
                 bool by_step)
{
    const xt_segment *here = &segments[to];
    const xt_segment *before = &segments[from];
    if (xt_lines_fire(here->starts, here->sure, here->line, before->line,
                      before->end == XT_KIND_RESUME)) {
        return true;
    }
    /* A backward jump within one line. */
    return by_step && before->end == XT_KIND_JUMP && to <= from &&
           here->line >= 0 && before->line == here->line;
}

void
xt_segments_add_way(const xt_segment *segments, uint32_t from, uint32_t to,
                    bool by_step, int64_t times, int64_t *hits)
{
    uint32_t last = from;
    bool steps = by_step;
    for (uint32_t at = to; at != XT_NONE && times != 0;
         at = xt_segments_follow(segments, at)) {
        hits[at] += xt_segments_fire(segments, last, at, steps) ? times : 0;
        steps = true;
        last = at;
    }
}

uint32_t
xt_segments_find(const xt_segment *segments, size_t len, uint32_t unit)
{
    size_t low = 0;
    while (len > 1) {
        size_t half = len / 2;
        low += segments[low + half].unit <= unit ? half : 0;
        len -= half;
    }
    return (uint32_t)low;
}

/* --- Jumps --------------------------------------------------------------- */

/* Whether a step leads to code that may have other ways into it. */
static bool
jumps(xt_step next)
{
    return next.kind == XT_KIND_JUMP || next.kind == XT_KIND_SILENT_JUMP ||
           next.kind == XT_KIND_BRANCH || next.kind == XT_KIND_FOR_ITER;
}

/* Code goes round only by these two, but for coroutines that wait. */
static bool
loops(xt_step next)
{
    return next.kind == XT_KIND_FOR_ITER ||
           (next.kind == XT_KIND_JUMP && next.jump == XT_JUMP_BACK);
}

/* Whether an event of a branch tells the one way from the other. */
static bool
is_told(const xt_code_view *view, xt_step jump)
{
    return jump.oparg > 1 &&
           (jump.kind != XT_KIND_BRANCH || view->ops->minor < MINOR_314 ||
            xt_pass_step(view, jump.end).kind == XT_KIND_NOT_TAKEN);
}

/* The code unit where a jump leads; XT_NONE if that is not in the code, or if
   it would not be told from the next instruction. */
static uint32_t
find_target(const xt_segments *segments, const xt_code_view *view,
            xt_step jump)
{
    uint32_t fall = jump.end;
    if (jump.jump == XT_JUMP_BACK) {
        bool leads = jump.oparg > 0 && jump.oparg <= fall &&
                     jump.kind != XT_KIND_BRANCH;
        return leads ? fall - jump.oparg : XT_NONE;
    }
    if (jump.jump != XT_JUMP_AHEAD || fall >= segments->units ||
        jump.oparg >= segments->units - fall) {
        return XT_NONE;
    }
    bool forks = jump.kind == XT_KIND_BRANCH || jump.kind == XT_KIND_FOR_ITER;
    if (forks && segments->told == XT_TOLD_BY_EVENTS && !is_told(view, jump)) {
        return XT_NONE;
    }
    return fall + jump.oparg;
}

/* --- Where control comes together -----------------------------------------
 */

static xt_status
note_jumps(xt_segments *segments, const xt_code_view *view)
{
    uint32_t units = segments->units;
    uint32_t unit = xt_pass_plain(view, 0, units);
    for (; unit < units; unit = xt_pass_plain(view, unit, units)) {
        const xt_step next = xt_pass_step(view, unit);
        if (next.end > units || next.kind == XT_KIND_EXTENDED_ARG) {
            return XT_CORRUPT;
        }
        unit = next.end;
        if (!jumps(next)) {
            continue;
        }
        segments->loops |= loops(next);
        uint32_t target = find_target(segments, view, next);
        if (target == XT_NONE ||
            (segments->told == XT_TOLD_BY_HISTORY && segments->loops)) {
            return XT_UNSUPPORTED;
        }
        segments->forks = true;
        if (xt_bitset_add(&segments->starts, target) != XT_OK) {
            return XT_NOMEM;
        }
    }
    return unit == units ? XT_OK : XT_CORRUPT;
}

static xt_status
note_handlers(xt_segments *segments, const xt_code_view *view)
{
    segments->handlers.len = 0;
    if (view->exceptions_len == 0) {
        return XT_OK;
    }
    segments->forks = true;
    xt_status status = xt_exctable_read(&segments->handlers, view->exceptions,
                                        view->exceptions_len);
    for (size_t i = 0; i < segments->handlers.len && status == XT_OK; i++) {
        uint32_t target = segments->handlers.ranges[i].target;
        status = target < segments->units
                     ? xt_bitset_add(&segments->starts, target)
                     : XT_CORRUPT;
    }
    return status;
}

/* --- Cutting --------------------------------------------------------------
 */

/* A code object that is being cut. */
typedef struct {
    xt_segments *out;
    const xt_code_view *view;
    xt_location_reader places;
    int32_t line;        /* of the entries of the location table up to there */
    uint32_t next_start; /* the next code unit that is jumped to, or units */
    bool resumes;        /* RESUME has been passed */
} cutting;

static void
find_next_start(cutting *cut, uint32_t unit)
{
    size_t next = unit;
    bool found = cut->out->forks && xt_bitset_next(&cut->out->starts, &next);
    cut->next_start = found ? (uint32_t)next : cut->out->units;
}

static void
open_segment(const cutting *cut, uint32_t unit)
{
    xt_segments *out = cut->out;
    out->items[out->len++] = (xt_segment){
        .unit = unit,
        .line = cut->line,
        .target = XT_NONE,
        .end = XT_KIND_PLAIN,
    };
}

/* Ends the last segment with an instruction at a code unit, which may have to
   be one of its own. */
static xt_status
end_segment(cutting *cut, uint32_t unit, xt_step next)
{
    xt_segments *out = cut->out;
    switch ((xt_opcode_kind)next.kind) {
    case XT_KIND_NOT_TAKEN:
    case XT_KIND_PLAIN: /* with an EXTENDED_ARG */
    case XT_KIND_CALL:
        return XT_OK;
    case XT_KIND_RESUME:
        if (cut->resumes) {
            return XT_UNSUPPORTED;
        }
        cut->resumes = true;
        break;
    case XT_KIND_END_FOR:
    case XT_KIND_POP_ITER:
    case XT_KIND_RETURN:
    case XT_KIND_RAISE:
    case XT_KIND_RERAISE:
    case XT_KIND_JUMP:
    case XT_KIND_SILENT_JUMP:
    case XT_KIND_BRANCH:
    case XT_KIND_FOR_ITER:
        break;
    default:
        return XT_UNSUPPORTED;
    }
    if (!cut->resumes) {
        return XT_UNSUPPORTED;
    }
    xt_segment *last = &out->items[out->len - 1];
    if (xt_lines_are_passed_over(next.kind) && last->unit != unit) {
        open_segment(cut, unit);
        last++;
    }
    if (next.kind == XT_KIND_RESUME) {
        out->resume = (uint32_t)(out->len - 1);
    }
    last->end = next.kind;
    if (jumps(next)) {
        last->target = find_target(out, cut->view, next);
    }
    return XT_OK;
}

static xt_status
cut_code(cutting *cut)
{
    xt_segments *out = cut->out;
    bool open = false;
    for (uint32_t unit = 0; unit < out->units;) {
        int32_t before = cut->line;
        while (cut->places.unit <= unit) {
            bool more;
            if (xt_location_next_run(&cut->places, &cut->line, &more) !=
                    XT_OK ||
                !more) {
                return XT_CORRUPT;
            }
        }
        if (unit >= cut->next_start) {
            open = open && unit != cut->next_start;
            find_next_start(cut, unit + 1);
        }
        if (!open || cut->line != before) {
            open_segment(cut, unit);
            open = true;
        }
        uint32_t end =
            cut->places.unit < out->units ? cut->places.unit : out->units;
        end = end < cut->next_start ? end : cut->next_start;
        unit = xt_pass_plain(cut->view, unit, end);
        if (unit < end) {
            const xt_step next = xt_pass_step(cut->view, unit);
            xt_status status = end_segment(cut, unit, next);
            if (status != XT_OK) {
                return status;
            }
            unit = next.end;
            open = out->items[out->len - 1].end == XT_KIND_PLAIN;
        }
    }
    return XT_OK;
}

/* --- What follows from the whole ------------------------------------------
 */

/* The segment that begins at a code unit, or XT_NONE. */
static uint32_t
segment_at(const xt_segments *segments, uint32_t unit)
{
    uint32_t found = xt_segments_find(segments->items, segments->len, unit);
    return segments->items[found].unit == unit ? found : XT_NONE;
}

/* Has the jumps lead to segments, instead of code units. */
static xt_status
link_jumps(xt_segments *segments)
{
    for (size_t i = 0; i < segments->len; i++) {
        xt_segment *from = &segments->items[i];
        if (from->target == XT_NONE) {
            continue;
        }
        from->target = segment_at(segments, from->target);
        if (from->target == XT_NONE || from->target <= segments->resume) {
            return XT_UNSUPPORTED;
        }
    }
    return XT_OK;
}

/* The rules of lines.c for the start of lines. */
static void
start_lines(xt_segments *segments, const xt_code_view *view)
{
    int32_t current = -1;
    for (size_t i = segments->resume; i < segments->len; i++) {
        xt_segment *segment = &segments->items[i];
        if (segment->line == current ||
            xt_lines_are_passed_over(segment->end)) {
            continue;
        }
        current = segment->line;
        segment->starts = current >= 0;
        segment->sure = xt_lines_are_sure(view, segment->unit, current);
    }
}

static void
start_line_at_target(xt_segment *segment)
{
    if (segment->end != XT_KIND_POP_ITER) {
        segment->starts = segment->line >= 0;
        segment->sure = false;
    }
}

/* Whether events tell of the end of a loop, and all lines are the same then,
   whatever runs of END_FOR and what is behind it. */
static bool
ends_well(const xt_segments *segments, const xt_segment *loop, int minor)
{
    const xt_segment *end = &segments->items[loop->target];
    return loop->target + 1 < segments->len && end->end == XT_KIND_END_FOR &&
           end->line == loop->line &&
           (minor < MINOR_314 || end[1].end == XT_KIND_POP_ITER);
}

static xt_status
start_lines_at_targets(xt_segments *segments, const xt_code_view *view)
{
    for (size_t i = 0; i < segments->len; i++) {
        const xt_segment *from = &segments->items[i];
        if (from->target == XT_NONE) {
            continue;
        }
        bool loops = from->end == XT_KIND_FOR_ITER;
        if (loops && !ends_well(segments, from, view->ops->minor)) {
            return XT_UNSUPPORTED;
        }
        start_line_at_target(&segments->items[from->target + loops]);
    }
    for (size_t i = 0; i < segments->handlers.len; i++) {
        uint32_t at =
            segment_at(segments, segments->handlers.ranges[i].target);
        if (at == XT_NONE || at <= segments->resume) {
            return XT_UNSUPPORTED;
        }
        segments->items[at].starts = segments->items[at].line >= 0;
    }
    return XT_OK;
}

/* Whether a segment is a conditional jump and nothing else, and starts a line:
   when nobody asks for line events any more, that has the jump forget what it
   did (de_instrument_line() in Python/instrumentation.c). */
static bool
forgets(const xt_segments *segments, uint32_t at)
{
    enum { JUMP_UNITS = 2 };
    const xt_segment *segment = &segments->items[at];
    return segments->told == XT_TOLD_BY_HISTORY && segment->starts &&
           segment->end == XT_KIND_BRANCH &&
           segment[1].unit - segment->unit <= JUMP_UNITS;
}

/* Whether frames may go round from a segment and no event tells of it. */
static bool
goes_round(const xt_segments *segments, uint32_t from)
{
    uint32_t at = from;
    size_t steps = 0;
    while (at != XT_NONE && steps <= segments->len) {
        at = xt_segments_follow(segments->items, at);
        steps++;
    }
    return at != XT_NONE;
}

/* The segment behind another that control may fall into, or XT_NONE. */
static uint32_t
falls_into(const xt_segments *segments, uint32_t at)
{
    uint8_t end = segments->items[at].end;
    bool forks = end == XT_KIND_BRANCH || end == XT_KIND_FOR_ITER;
    bool plain = end == XT_KIND_PLAIN || end == XT_KIND_RESUME;
    return (forks || plain) && at + 1 < segments->len ? at + 1 : XT_NONE;
}

/* Adds to the degree of all segments that control may go to next. Returns how
   many of them have come to zero, and puts them into `found`. */
static size_t
add_degrees(const xt_segments *segments, uint32_t at, int add, uint32_t *found)
{
    uint32_t *degree = segments->degree;
    const uint32_t next[] = {falls_into(segments, at),
                             segments->items[at].target};
    size_t len = 0;
    for (size_t i = 0; i < 2; i++) {
        if (next[i] != XT_NONE) {
            degree[next[i]] += (uint32_t)add;
            if (degree[next[i]] == 0) {
                found[len++] = next[i];
            }
        }
    }
    uint32_t unit = segments->items[at].unit;
    uint32_t end = at + 1 < segments->len ? segments->items[at + 1].unit
                                          : segments->units;
    for (size_t i = 0; i < segments->handlers.len; i++) {
        const xt_exctable_range *range = &segments->handlers.ranges[i];
        if (range->start < end && range->end > unit) {
            uint32_t to = segment_at(segments, range->target);
            degree[to] += (uint32_t)add;
            if (degree[to] == 0) {
                found[len++] = to;
            }
        }
    }
    return len;
}

/* Whether control may come to a segment twice: if those that nothing leads to
   are taken away, and so on, some are left (Kahn, "Topological sorting of
   large networks", CACM 1962). */
static xt_status
has_cycle(xt_segments *segments, bool *has)
{
    size_t len = segments->len;
    uint32_t *degree = xt_renew(segments->degree, &segments->degree_cap,
                                2 * len + 2, sizeof(*degree));
    if (degree == NULL) {
        return XT_NOMEM;
    }
    segments->degree = degree;
    uint32_t *open = degree + len;
    memset(degree, 0, len * sizeof(*degree));
    for (uint32_t i = 0; i < len; i++) {
        (void)add_degrees(segments, i, 1, open);
    }
    size_t open_len = 0;
    for (uint32_t i = 0; i < len; i++) {
        open[open_len] = i;
        open_len += degree[i] == 0;
    }
    size_t taken = 0;
    while (open_len > 0) {
        uint32_t at = open[--open_len];
        taken++;
        open_len += add_degrees(segments, at, -1, open + open_len);
    }
    *has = taken < len;
    return XT_OK;
}

/* Code that a compiler has made goes round only by what note_jumps() refuses;
   but exceptions lead back from handlers, and other code may do as it likes.
 */
static xt_status
refuse_cycles(xt_segments *segments)
{
    bool has = false;
    for (size_t i = 0; i < segments->handlers.len && !has; i++) {
        const xt_exctable_range *range = &segments->handlers.ranges[i];
        has = range->target < range->end;
    }
    for (uint32_t i = 0; i < segments->len && !has; i++) {
        has = segments->items[i].target <= i;
    }
    xt_status status = has ? has_cycle(segments, &has) : XT_OK;
    return status == XT_OK && has ? XT_UNSUPPORTED : status;
}

static bool
is_open_end(const xt_segments *segments)
{
    switch ((xt_opcode_kind)segments->items[segments->len - 1].end) {
    case XT_KIND_RETURN:
    case XT_KIND_RAISE:
    case XT_KIND_RERAISE:
    case XT_KIND_JUMP:
    case XT_KIND_SILENT_JUMP:
        return false;
    default:
        return true;
    }
}

static xt_status
finish(xt_segments *segments, const xt_code_view *view)
{
    start_lines(segments, view);
    if (!segments->forks) {
        return XT_OK;
    }
    xt_status status = link_jumps(segments);
    if (status == XT_OK) {
        status = start_lines_at_targets(segments, view);
    }
    for (uint32_t i = 0; i < segments->len && status == XT_OK; i++) {
        const xt_segment *from = &segments->items[i];
        bool back = from->target <= i && (from->end == XT_KIND_JUMP ||
                                          from->end == XT_KIND_SILENT_JUMP);
        if ((back && goes_round(segments, from->target)) ||
            forgets(segments, i)) {
            status = XT_UNSUPPORTED;
        }
    }
    return status;
}

/* Room for as many as there can be. */
static xt_status
reserve(xt_segments *segments)
{
    xt_segment *items = xt_renew(segments->items, &segments->cap,
                                 segments->units, sizeof(*items));
    if (items == NULL) {
        return XT_NOMEM;
    }
    segments->items = items;
    return XT_OK;
}

xt_status
xt_segments_read(xt_segments *segments, const xt_code_view *view, xt_told told)
{
    if (view->ops->minor < MINOR_313) {
        return XT_UNSUPPORTED;
    }
    if (segments->forks && segments->starts.cap > 0) {
        memset(segments->starts.words, 0,
               segments->starts.cap * sizeof(*segments->starts.words));
    }
    segments->forks = false;
    segments->loops = false;
    segments->told = told;
    segments->len = 0;
    segments->units = (uint32_t)(view->code_len / 2);
    xt_status status = note_handlers(segments, view);
    if (status == XT_OK) {
        status = note_jumps(segments, view);
    }
    if (status == XT_OK) {
        status = reserve(segments);
    }
    if (status != XT_OK) {
        return status;
    }
    cutting cut = {.out = segments, .view = view, .line = -1};
    xt_location_start(&cut.places, view->locations, view->locations_len,
                      view->first_line);
    find_next_start(&cut, 0);
    status = cut_code(&cut);
    if (status != XT_OK) {
        return status;
    }
    if (segments->len == 0 || !cut.resumes || is_open_end(segments)) {
        return XT_UNSUPPORTED;
    }
    status = finish(segments, view);
    return status == XT_OK && told == XT_TOLD_BY_HISTORY
               ? refuse_cycles(segments)
               : status;
}
