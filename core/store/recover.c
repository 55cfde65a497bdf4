// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include <string.h>

#include "branch.h"
#include "mem.h"
#include "plan.h"
#include "recovered.h"
#include "solve.h"
#include "unroll.h"

/* Steps to look for frames in one code object, and in a file: then all lines
   of the code are unsure. No file takes for ever. */
#define MOST_STEPS ((uint64_t)1 << 30)
#define MOST_STEPS_OF_FILE ((uint64_t)1 << 33)

typedef struct {
    xt_journal_content content; /* of its stack only the frames that must be
                                   running */
    xt_tables_fault *fault;
    bool branches;
    uint64_t steps; /* that were taken */
    xt_recovered found;
    /* Scratch. */
    xt_instrs instrs;
    xt_graph graph;
    xt_planner planner;
} recovery;

static xt_status
damaged(const recovery *job, const xt_journal_coded *record, const char *what)
{
    *job->fault = (xt_tables_fault){(size_t)record->record, what};
    return XT_CORRUPT;
}

/* Whether frames of the code have passed a probe since they were noted. */
static bool
has_moved(const xt_journal_coded *record)
{
    return memcmp(record->slots, record->then,
                  8 * (size_t)record->code.slots) != 0;
}

/* Whether exceptions went through frames of the code since one was noted. */
static bool
has_broken(const xt_journal_coded *record, const xt_journal_frame *frame)
{
    uint64_t sum = 0;
    size_t len = record->breaks.counters == NULL
                     ? 0
                     : 3 * (size_t)record->breaks.points;
    for (size_t i = 0; i < len; i++) {
        sum += xt_journal_u64(record->breaks.counters + 8 * i);
    }
    return (uint32_t)sum != frame->breaks;
}

/* --- Code ---------------------------------------------------------------- */

/* One code object: what is counted, and what that means. */
typedef struct {
    recovery *job;
    const xt_journal_coded *record;
    xt_plan plan;
    uint64_t *slots;  /* owned, with the three below */
    uint64_t *breaks; /* left, handled, fired; NULL: none */
    int64_t *balance;
    int64_t *counts; /* of the classes */
    int64_t *others; /* the same, for a frame that stands somewhere */
    uint64_t steps;  /* that were taken */
} solving;

static xt_code_view
view_of(const recovery *job, const xt_journal_coded *record)
{
    return (xt_code_view){
        .ops = xt_opcodes_for((int)job->content.header.minor),
        .code = record->bytes[0],
        .code_len = record->code.code_len,
        .locations = record->bytes[1],
        .locations_len = record->code.locations_len,
        .exceptions = record->bytes[2],
        .exceptions_len = record->code.exceptions_len,
        .first_line = record->code.first_line,
    };
}

static xt_status
add_line(solving *code, int32_t line, int64_t count)
{
    const int64_t key[] = {code->record->code.file, line};
    return line < 0 || count <= 0
               ? XT_OK
               : xt_recovered_add(&code->job->found.lines, key, count);
}

static xt_status
add_outcome(recovery *job, uint32_t file, const xt_location *place,
            xt_branch_kind kind, bool outcome, int64_t count)
{
    /* The names of the kinds follow the file's strings. */
    const int64_t key[] = {
        file,
        (int64_t)job->content.strings_len + (int64_t)kind,
        place->line,
        place->end_line,
        place->column < 0 ? -1 : place->column,
        place->end_column < 0 ? -1 : place->end_column,
        outcome,
    };
    return xt_recovered_add(&job->found.sides, key, count);
}

static xt_status
add_side(recovery *job, uint32_t file, uint32_t at, bool taken, int64_t count)
{
    const xt_instr *jump = &job->instrs.items[at];
    const xt_location place = xt_branch_place(&job->instrs, at);
    if (!place.has_line || !xt_branch_is_answer(&job->instrs, at, taken)) {
        return XT_OK;
    }
    bool answer;
    xt_branch_kind kind = xt_branch_of(job->instrs.ops, jump, &answer);
    bool outcome = taken ? answer : !answer;
    xt_status status =
        add_outcome(job, file, &place, kind, outcome, count < 0 ? 0 : count);
    return status == XT_OK ? add_outcome(job, file, &place, kind, !outcome, 0)
                           : status;
}

static xt_status
add_handler(recovery *job, uint32_t file, uint32_t at, int64_t count)
{
    const xt_location place = xt_branch_handler_place(&job->instrs, at);
    return place.has_line ? add_outcome(job, file, &place, XT_BRANCH_EXCEPT,
                                        true, count < 0 ? 0 : count)
                          : XT_OK;
}

static xt_status
add_entries(recovery *job, const xt_journal_coded *record, int64_t count)
{
    const int64_t key[] = {record->code.file, record->code.first_line,
                           record->code.name};
    bool other = (job->content.header.flags & XT_JOURNAL_CALLS) != 0;
    return count <= 0 || other
               ? XT_OK
               : xt_recovered_add(&job->found.calls, key, count);
}

/* Adds the counts of the classes. */
static xt_status
add_classes(solving *code)
{
    recovery *job = code->job;
    const xt_plan *plan = &code->plan;
    xt_status status = XT_OK;
    for (size_t i = 0; i < plan->classes_len && status == XT_OK; i++) {
        const xt_plan_class *class = &plan->classes[i];
        status = add_line(code, class->line, code->counts[i]);
        if (status != XT_OK || !job->branches || !class->wanted) {
            continue;
        }
        if (class->reraised) {
            status =
                add_handler(job, code->record->code.file,
                            job->graph.edges[class->edge].to, code->counts[i]);
        }
        else if (xt_branch_is_at(&job->instrs, class->origin)) {
            status = add_side(job, code->record->code.file, class->origin,
                              class->taken, code->counts[i]);
        }
        else {
            status = add_entries(job, code->record, code->counts[i]);
        }
    }
    return status;
}

/* Adds what exceptions led to. */
static xt_status
add_breaks(solving *code)
{
    recovery *job = code->job;
    size_t points = job->instrs.len;
    xt_status status = XT_OK;
    for (uint32_t i = 0; i < points && status == XT_OK; i++) {
        int64_t handled = 0;
        if (code->breaks != NULL) {
            handled = (int64_t)code->breaks[points + i];
            status = add_line(code, job->instrs.items[i].line,
                              (int64_t)code->breaks[2 * points + i]);
        }
        if (status == XT_OK && job->branches &&
            (job->graph.flags[i] & XT_IS_HANDLER) != 0) {
            status = add_handler(job, code->record->code.file, i, handled);
        }
    }
    return status;
}

/* Notes the most by which the count of a line can be off. */
static xt_status
note_unsure(solving *code, size_t class, int64_t difference)
{
    int32_t line = code->plan.classes[class].line;
    if (line < 0 || difference == 0) {
        return XT_OK;
    }
    const int64_t key[] = {code->record->code.file, line};
    /* What a frame adds is missing now. */
    int64_t *cell = xt_rows_at(difference < 0 ? &code->job->found.unsure_high
                                              : &code->job->found.unsure_low,
                               key);
    if (cell == NULL) {
        return XT_NOMEM;
    }
    /* Hostile counts may have no such size. */
    int64_t size = difference == INT64_MIN ? INT64_MAX
                   : difference < 0        ? -difference
                                           : difference;
    /* In copies of a loop, several steps that fire one line change at once. */
    bool unrolled = (code->record->code.flags & XT_JOURNAL_UNROLLED) != 0;
    if (unrolled && size <= INT64_MAX / XT_UNROLL_TIMES) {
        size *= XT_UNROLL_TIMES;
    }
    *cell = size > *cell ? size : *cell;
    return XT_OK;
}

static bool
solve_slots(solving *code, const uint64_t *slots, const xt_breaks *breaks,
            int64_t *counts)
{
    return xt_solve(&code->plan, (uint32_t)code->job->instrs.len, slots,
                    breaks, code->balance, counts);
}

static bool
solve(solving *code, const xt_breaks *breaks, int64_t *counts)
{
    return solve_slots(code, code->slots, breaks, counts);
}

/* Reads counters as numbers, less others. */
static void
take_counters(uint64_t *to, const uint8_t *from, const uint8_t *base,
              size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (from == NULL ? 0 : xt_journal_u64(from + 8 * i)) -
                (base == NULL ? 0 : xt_journal_u64(base + 8 * i));
    }
}

static void
take_steps(solving *code, size_t steps)
{
    code->steps += steps;
    code->job->steps += steps;
}

static size_t
steps_to_solve(const solving *code)
{
    return code->job->instrs.len + code->plan.classes_len +
           code->plan.shifts_len + code->plan.steps_len;
}

static bool
is_exhausted(const solving *code)
{
    return code->steps > MOST_STEPS || code->job->steps > MOST_STEPS_OF_FILE;
}

/* Whether to try a frame here: once for each node, and wherever else it
   matters which instruction it is. */
static bool
is_place(solving *code, bool *seen, uint32_t instr)
{
    const xt_plan *plan = &code->plan;
    take_steps(code, plan->shifts_len + 1);
    if (is_exhausted(code)) {
        return false;
    }
    bool shifts = false;
    for (size_t i = 0; i < plan->shifts_len && !shifts; i++) {
        shifts = plan->shifts[i].instr == instr;
    }
    bool is = shifts || !seen[plan->node_of[instr]];
    if (is) {
        take_steps(code, steps_to_solve(code));
    }
    if (!shifts) {
        seen[plan->node_of[instr]] = true;
    }
    return is;
}

/* The first of the places where one more frame makes the counts fit a flow, or
   XT_NONE; they are in `others` then. */
static uint32_t
find_frame(solving *code, const xt_breaks *breaks, uint64_t *left, bool *seen)
{
    size_t points = code->job->instrs.len;
    for (uint32_t i = 0; i < points; i++) {
        if (!is_place(code, seen, i)) {
            continue;
        }
        left[i]++;
        if (solve(code, breaks, code->others)) {
            return i;
        }
        left[i]--;
    }
    return XT_NONE;
}

/* The most by which each count can be off, while places are tried. */
typedef struct {
    int64_t *more; /* owned, with `less`: what a frame adds */
    int64_t *less;
} extremes;

/* Takes in how the counts change with the frame that was tried. */
static void
compare(const solving *code, extremes *most)
{
    for (size_t k = 0; k < code->plan.classes_len; k++) {
        int64_t change =
            (int64_t)((uint64_t)code->others[k] - (uint64_t)code->counts[k]);
        most->more[k] = change > most->more[k] ? change : most->more[k];
        most->less[k] = change < most->less[k] ? change : most->less[k];
    }
}

/* Notes how the counts change with one more frame, in all places. */
static xt_status
vary(solving *code, const xt_breaks *breaks, uint64_t *left, bool *seen)
{
    size_t points = code->job->instrs.len;
    size_t classes = code->plan.classes_len;
    extremes most = {xt_malloc(2 * classes * sizeof(int64_t)), NULL};
    if (most.more == NULL) {
        return XT_NOMEM;
    }
    memset(most.more, 0, 2 * classes * sizeof(int64_t));
    most.less = most.more + classes;
    memset(seen, 0, code->plan.nodes * sizeof(*seen));
    for (uint32_t i = 0; i < points; i++) {
        if (is_place(code, seen, i)) {
            left[i]++;
            (void)solve(code, breaks, code->others);
            left[i]--;
            compare(code, &most);
        }
    }
    (void)solve(code, breaks, code->others); /* without such a frame */
    compare(code, &most);
    bool all = is_exhausted(code);
    xt_status status = XT_OK;
    for (size_t k = 0; k < classes && status == XT_OK; k++) {
        int64_t more = all && most.more[k] == 0 ? 1 : most.more[k];
        int64_t less = all && most.less[k] == 0 ? -1 : most.less[k];
        status = note_unsure(code, k, more);
        if (status == XT_OK) {
            status = note_unsure(code, k, less);
        }
    }
    xt_free(most.more);
    return status;
}

/* A frame of the code that is taken to run, where it stands; or NULL. */
static const xt_journal_frame *
noted_frame(const solving *code)
{
    const recovery *job = code->job;
    for (size_t i = job->content.stack_len; i-- > 0;) {
        const xt_journal_frame *frame = &job->content.stack[i];
        if (frame->record == code->record->record &&
            frame->point < job->instrs.len) {
            return frame;
        }
    }
    return NULL;
}

/* Where a frame stands that stood at `from` when it was noted, and has moved:
   among the places that it can have come to, the one with the shortest way.
   `seen` is scratch. */
static xt_status
follow(solving *code, uint32_t from, bool *seen, uint32_t *place)
{
    size_t points = code->job->instrs.len;
    size_t slots = code->plan.slots;
    uint64_t *passed = xt_malloc((slots + points) * sizeof(*passed));
    if (passed == NULL) {
        return XT_NOMEM;
    }
    take_counters(passed, code->record->slots, code->record->then, slots);
    uint64_t *left = passed + slots;
    memset(left, 0, points * sizeof(*left));
    memset(seen, 0, code->plan.nodes * sizeof(*seen));
    left[from]--;
    const xt_breaks breaks = {left, NULL};
    int64_t shortest = INT64_MAX;
    for (uint32_t i = 0; i < points; i++) {
        if (!is_place(code, seen, i)) {
            continue;
        }
        left[i]++;
        int64_t way = 0;
        if (solve_slots(code, passed, &breaks, code->others)) {
            for (size_t k = 0; k < code->plan.classes_len; k++) {
                way +=
                    code->others[k] < INT32_MAX ? code->others[k] : INT32_MAX;
            }
            if (way < shortest) {
                shortest = way;
                *place = i;
            }
        }
        left[i]--;
    }
    xt_free(passed);
    return XT_OK;
}

/* Solves, and finds out what else the counts can be if one frame more runs, or
   stands elsewhere, or runs no more. */
static xt_status
solve_with_frames(solving *code)
{
    size_t points = code->job->instrs.len;
    uint64_t *left = xt_malloc(points * sizeof(*left));
    bool *seen = xt_malloc(code->plan.nodes * sizeof(*seen));
    if (left == NULL || seen == NULL) {
        xt_free(left);
        xt_free(seen);
        return XT_NOMEM;
    }
    memset(left, 0, points * sizeof(*left));
    memset(seen, 0, code->plan.nodes * sizeof(*seen));
    if (code->breaks != NULL) {
        memcpy(left, code->breaks, points * sizeof(*left));
    }
    const xt_breaks breaks = {
        left, code->breaks == NULL ? NULL : code->breaks + points};
    const xt_journal_frame *noted = noted_frame(code);
    uint32_t frame = noted == NULL ? XT_NONE : noted->point;
    xt_status status = XT_OK;
    /* Exceptions since then would have to be known apart. */
    if (noted != NULL && has_broken(code->record, noted)) {
        left[frame]--;
        frame = XT_NONE;
    }
    if (frame != XT_NONE && has_moved(code->record) &&
        code->record->breaks.counters == NULL) {
        uint32_t now = frame;
        status = follow(code, frame, seen, &now);
        left[frame]--;
        left[now]++;
        frame = now;
    }
    if (!solve(code, &breaks, code->counts) && frame == XT_NONE) {
        frame = find_frame(code, &breaks, left, seen);
        if (frame != XT_NONE) {
            memcpy(code->counts, code->others,
                   code->plan.classes_len * sizeof(int64_t));
        }
    }
    if (status == XT_OK) {
        status = vary(code, &breaks, left, seen);
    }
    if (status == XT_OK && frame != XT_NONE) {
        left[frame]--;
        status = vary(code, &breaks, left, seen);
    }
    xt_free(left);
    xt_free(seen);
    return status;
}

/* How many frames of the code must be running. */
static size_t
frames_of(const recovery *job, const xt_journal_coded *record)
{
    size_t frames = 0;
    for (size_t i = 0; i < job->content.stack_len; i++) {
        frames += job->content.stack[i].record == record->record;
    }
    return frames;
}

/* Has the frames that must be running stand where they stood last. */
static void
note_frames(solving *code)
{
    const recovery *job = code->job;
    for (size_t i = 0; i < job->content.stack_len; i++) {
        const xt_journal_frame *frame = &job->content.stack[i];
        if (frame->record == code->record->record &&
            frame->point < job->instrs.len) {
            code->breaks[frame->point]++;
        }
    }
}

static xt_status
add_solved(solving *code)
{
    const xt_journal_coded *record = code->record;
    size_t points = code->job->instrs.len;
    const uint8_t *breaks = record->breaks.counters;
    const uint8_t *base = record->base.counters;
    if ((breaks != NULL && record->breaks.points != points) ||
        (base != NULL && record->base.points != points)) {
        return damaged(code->job, record, "counters of other code");
    }
    size_t slots = code->plan.slots;
    size_t classes = code->plan.classes_len;
    size_t frames = frames_of(code->job, record);
    size_t breaks_len =
        breaks == NULL && base == NULL && frames == 0 ? 0 : 3 * points;
    uint64_t *all = xt_malloc(
        (slots + breaks_len + code->plan.nodes + 2 * classes) * sizeof(*all));
    if (all == NULL) {
        return XT_NOMEM;
    }
    code->slots = all;
    take_counters(all, record->slots, record->base_slots, slots);
    if (breaks_len > 0) {
        code->breaks = all + slots;
        take_counters(code->breaks, breaks, base, breaks_len);
        note_frames(code);
    }
    code->balance = (int64_t *)all + slots + breaks_len;
    code->counts = code->balance + code->plan.nodes;
    code->others = code->counts + classes;
    xt_status status = solve_with_frames(code);
    if (status == XT_OK) {
        status = add_classes(code);
    }
    if (status == XT_OK) {
        status = add_breaks(code);
    }
    xt_free(all);
    return status;
}

/* Adds code that is counted by probes. */
static xt_status
recover_probed(recovery *job, const xt_journal_coded *record)
{
    const xt_code_view view = view_of(job, record);
    solving code = {.job = job, .record = record};
    xt_status status =
        xt_graph_build(&job->graph, &job->instrs, &view, job->branches);
    if (status == XT_OK) {
        status = xt_unroll(&job->graph, &job->instrs,
                           (record->code.flags & XT_JOURNAL_UNROLLED) >>
                               XT_JOURNAL_UNROLLED_SHIFT);
    }
    if (status == XT_OK) {
        status = xt_plan_build(&code.plan, &job->planner, &job->graph,
                               &job->instrs);
    }
    if (status == XT_OK && code.plan.slots != record->code.slots) {
        status = XT_CORRUPT;
    }
    if (status == XT_CORRUPT || status == XT_UNSUPPORTED) {
        status = damaged(job, record, "code that its counters do not fit");
    }
    if (status == XT_OK) {
        status = add_solved(&code);
    }
    xt_plan_fini(&code.plan);
    return status;
}

/* Adds the branches of code that is counted by events. */
static xt_status
recover_sides(recovery *job, const xt_journal_coded *record)
{
    const uint8_t *at = record->sides.counters;
    size_t points = job->instrs.len;
    if (record->sides.points != points) {
        return damaged(job, record, "counters of other code");
    }
    xt_status status = add_entries(job, record, xt_recovered_hits(at));
    const uint8_t *taken = at + 8;
    const uint8_t *fell = taken + 8 * points;
    const uint8_t *handled = fell + 8 * points;
    for (uint32_t i = 0; i < points && status == XT_OK; i++) {
        if (!xt_branch_is_at(&job->instrs, i) ||
            !xt_branch_has_events(&job->instrs, i)) {
            continue;
        }
        status = add_side(job, record->code.file, i, true,
                          xt_recovered_hits(taken + 8 * (size_t)i));
        if (status == XT_OK) {
            status = add_side(job, record->code.file, i, false,
                              xt_recovered_hits(fell + 8 * (size_t)i));
        }
    }
    bool *seen = xt_malloc(points * sizeof(*seen));
    if (seen == NULL) {
        return XT_NOMEM;
    }
    memset(seen, 0, points * sizeof(*seen));
    for (size_t i = 0; i < job->instrs.handlers.len && status == XT_OK; i++) {
        uint32_t target = job->instrs.handlers.ranges[i].target;
        uint32_t point = job->instrs.at_unit[target];
        if (!seen[point]) { /* another range may have the same handler */
            seen[point] = true;
            const uint8_t *hits = handled + 8 * (size_t)point;
            status = add_handler(job, record->code.file, point,
                                 xt_recovered_hits(hits));
        }
    }
    xt_free(seen);
    return status;
}

static xt_status
recover_code(recovery *job, const xt_journal_coded *record)
{
    if ((record->code.flags & XT_JOURNAL_WANTED) == 0) {
        return XT_OK;
    }
    const xt_code_view view = view_of(job, record);
    xt_status status = view.ops == NULL ? XT_UNSUPPORTED
                                        : xt_instrs_read(&job->instrs, &view);
    if (status == XT_CORRUPT || status == XT_UNSUPPORTED) {
        return damaged(job, record, "code that is damaged");
    }
    if (status != XT_OK) {
        return status;
    }
    return record->sides.counters != NULL ? recover_sides(job, record)
                                          : recover_probed(job, record);
}

/* --- All -----------------------------------------------------------------
 */

/* Leaves only those frames on the stack that must be running: if the slots of
   a frame's code are as they were, it stands where it stood, or near, and so
   the one that it has called runs as well. */
static void
cut_stack(xt_journal_content *content)
{
    size_t len = 0;
    bool stands = true;
    while (stands && len < content->stack_len) {
        const xt_journal_frame *frame = &content->stack[len++];
        const xt_journal_coded *coded =
            xt_journal_find_code(content, frame->record);
        stands =
            coded != NULL && !has_moved(coded) && !has_broken(coded, frame);
    }
    content->stack_len = len;
}

static void
recovery_fini(recovery *job)
{
    xt_journal_content_fini(&job->content);
    xt_recovered_fini(&job->found);
    xt_instrs_fini(&job->instrs);
    xt_graph_fini(&job->graph);
    xt_planner_fini(&job->planner);
}

xt_status
xt_recover(const uint8_t *bytes, size_t len, xt_buf *out,
           xt_tables_fault *fault)
{
    recovery job = {
        .fault = fault,
        .found = XT_RECOVERED_EMPTY,
    };
    xt_status status = xt_journal_read(bytes, len, &job.content, fault);
    cut_stack(&job.content);
    job.branches = (job.content.header.flags & XT_JOURNAL_BRANCHES) != 0;
    for (size_t i = 0; i < job.content.plain_len && status == XT_OK; i++) {
        status = xt_recovered_add_plain(&job.found, &job.content.plain[i]);
    }
    for (size_t i = 0; i < job.content.codes_len && status == XT_OK; i++) {
        status = recover_code(&job, &job.content.codes[i]);
    }
    if (status == XT_OK) {
        status = xt_recovered_write(&job.found, &job.content, out);
    }
    recovery_fini(&job);
    return status;
}
