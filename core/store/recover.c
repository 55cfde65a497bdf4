// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include <string.h>

#include "branch.h"
#include "mem.h"
#include "plan.h"
#include "recovered.h"
#include "solve.h"

/* Of code with more than these, not every place of a frame is tried. */
enum { MOST_NODES = 1024 };

typedef struct {
    xt_journal_content content; /* of its stack only the frames that must be
                                   running */
    xt_tables_fault *fault;
    bool branches;
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

static int64_t
hits_at(const uint8_t *at)
{
    uint64_t hits = xt_journal_u64(at);
    return hits > INT64_MAX ? INT64_MAX : (int64_t)hits;
}

/* --- Records that stand for themselves ------------------------------------
 */

static xt_status
add_page(recovery *job, const uint8_t *at)
{
    uint32_t file = xt_journal_u32(at);
    uint32_t first = xt_journal_u32(at + 4);
    xt_status status = XT_OK;
    for (int i = 0; i < XT_JOURNAL_PAGE && status == XT_OK; i++) {
        int64_t hits = hits_at(at + 8 + 8 * (size_t)i);
        if (hits > 0) {
            const int64_t key[] = {file, (int64_t)first + i};
            status = xt_recovered_add(&job->found.lines, key, hits);
        }
    }
    return status;
}

static xt_status
add_call(recovery *job, const uint8_t *at)
{
    int64_t hits = hits_at(at + offsetof(xt_journal_call, hits));
    bool by_nobody = xt_journal_u32(at) == XT_JOURNAL_NONE;
    const int64_t key[] = {
        by_nobody ? -1 : (int64_t)xt_journal_u32(at),
        by_nobody ? -1 : (int32_t)xt_journal_u32(at + 16),
        by_nobody ? -1 : (int64_t)xt_journal_u32(at + 4),
        xt_journal_u32(at + 8),
        (int32_t)xt_journal_u32(at + 20),
        xt_journal_u32(at + 12),
    };
    if (hits == 0) {
        return XT_OK;
    }
    xt_status status = xt_recovered_add(&job->found.call_graph, key, hits);
    return status == XT_OK ? xt_recovered_add(&job->found.calls, key + 3, hits)
                           : status;
}

static xt_status
add_note(recovery *job, const uint8_t *at)
{
    const int64_t key[] = {xt_journal_u32(at)};
    int64_t *value = xt_rows_at(&job->found.notes, key);
    if (value == NULL) {
        return XT_NOMEM;
    }
    *value = xt_journal_u32(at + 4);
    return XT_OK;
}

static xt_status
add_plain(recovery *job, const xt_journal_plain *plain)
{
    switch (plain->kind) {
    case XT_JOURNAL_NOTE:
        return add_note(job, plain->content);
    case XT_JOURNAL_LINES:
        return add_page(job, plain->content);
    case XT_JOURNAL_CALL:
        return add_call(job, plain->content);
    default:
        return XT_OK;
    }
}

/* Whether frames of the code have passed a probe since they were noted. */
static bool
has_moved(const xt_journal_coded *record)
{
    return memcmp(record->slots, record->then,
                  8 * (size_t)record->code.slots) != 0;
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
    const xt_location *place = xt_branch_place(&job->instrs, at);
    if (!place->has_line || !xt_branch_is_answer(&job->instrs, at, taken)) {
        return XT_OK;
    }
    bool answer;
    xt_branch_kind kind = xt_branch_of(job->instrs.ops, jump, &answer);
    bool outcome = taken ? answer : !answer;
    xt_status status =
        add_outcome(job, file, place, kind, outcome, count < 0 ? 0 : count);
    return status == XT_OK ? add_outcome(job, file, place, kind, !outcome, 0)
                           : status;
}

static xt_status
add_handler(recovery *job, uint32_t file, uint32_t at, int64_t count)
{
    const xt_location *place = xt_branch_handler_place(&job->instrs, at);
    return place->has_line ? add_outcome(job, file, place, XT_BRANCH_EXCEPT,
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
        if (xt_branch_is_at(&job->instrs, class->origin)) {
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
    if (size > *cell) {
        *cell = size;
    }
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

/* Whether to try a frame here: once for each node, and wherever else it
   matters which instruction it is. */
static bool
is_place(const solving *code, bool *seen, uint32_t instr)
{
    const xt_plan *plan = &code->plan;
    for (size_t i = 0; i < plan->shifts_len; i++) {
        if (plan->shifts[i].instr == instr) {
            return true;
        }
    }
    bool is = !seen[plan->node_of[instr]];
    seen[plan->node_of[instr]] = true;
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

/* Notes how the counts change with one more frame, in all places. */
static xt_status
vary(solving *code, const xt_breaks *breaks, uint64_t *left, bool *seen)
{
    size_t points = code->job->instrs.len;
    xt_status status = XT_OK;
    memset(seen, 0, code->plan.nodes * sizeof(*seen));
    uint32_t places = 0;
    for (uint32_t i = 0; i <= points && places < MOST_NODES; i++) {
        if (i < points && !is_place(code, seen, i)) {
            continue;
        }
        places++;
        if (i < points) { /* the last time: without such a frame */
            left[i]++;
        }
        (void)solve(code, breaks, code->others);
        if (i < points) {
            left[i]--;
        }
        for (size_t k = 0; k < code->plan.classes_len && status == XT_OK;
             k++) {
            uint64_t difference =
                (uint64_t)code->others[k] - (uint64_t)code->counts[k];
            status = note_unsure(code, k, (int64_t)difference);
        }
    }
    return status;
}

/* A frame of the code that is taken to run, where it stands; or XT_NONE. */
static uint32_t
noted_frame(const solving *code)
{
    const recovery *job = code->job;
    for (size_t i = job->content.stack_len; i-- > 0;) {
        const xt_journal_frame *frame = &job->content.stack[i];
        if (frame->record == code->record->record &&
            frame->point < job->instrs.len) {
            return (uint32_t)frame->point;
        }
    }
    return XT_NONE;
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
    uint32_t frame = noted_frame(code);
    xt_status status = XT_OK;
    /* Exceptions since then would have to be known apart. */
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
    xt_status status = add_entries(job, record, hits_at(at));
    const uint8_t *taken = at + 8;
    const uint8_t *fell = taken + 8 * points;
    const uint8_t *handled = fell + 8 * points;
    for (uint32_t i = 0; i < points && status == XT_OK; i++) {
        if (!xt_branch_is_at(&job->instrs, i) ||
            !xt_branch_has_events(&job->instrs, i)) {
            continue;
        }
        status = add_side(job, record->code.file, i, true,
                          hits_at(taken + 8 * (size_t)i));
        if (status == XT_OK) {
            status = add_side(job, record->code.file, i, false,
                              hits_at(fell + 8 * (size_t)i));
        }
    }
    for (size_t i = 0; i < job->instrs.handlers.len && status == XT_OK; i++) {
        uint32_t target = job->instrs.handlers.ranges[i].target;
        uint32_t point = job->instrs.at_unit[target];
        bool again = false; /* another range may have the same handler */
        for (size_t k = 0; k < i && !again; k++) {
            again = job->instrs.handlers.ranges[k].target == target;
        }
        if (!again) {
            status = add_handler(job, record->code.file, point,
                                 hits_at(handled + 8 * (size_t)point));
        }
    }
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
        stands = coded != NULL && !has_moved(coded);
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
        status = add_plain(&job, &job.content.plain[i]);
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
