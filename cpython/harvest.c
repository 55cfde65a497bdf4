// SPDX-License-Identifier: Apache-2.0
#include "harvest.h"

#include "live.h"
#include "mem.h"
#include "outcomes.h"
#include "sides.h"
#include "solve.h"

/* --- What has changed ------------------------------------------------------
 */

bool
harvest_wants(const TracerObject *tracer, const code_entry *entry)
{
    /* It has judged every file in which code ran. */
    return entry->file != NULL && session_wants(tracer, entry->file);
}

/* What code has counted since the last harvest. */
typedef struct {
    uint64_t *numbers; /* owned: slots, and breaks if it has some */
    size_t numbers_cap;
    bool has_breaks;
    int64_t *counts; /* owned: scratch, the classes of a plan, */
    size_t counts_cap;
    int64_t *balance; /* and one per node */
    size_t balance_cap;
} change;

static void
change_free(change *one)
{
    xt_free(one->numbers);
    xt_free(one->counts);
    xt_free(one->balance);
}

/* Makes room for a change of this code, so that to remember it cannot fail. */
static bool
reserve(change *one, seen_code *code, size_t breaks)
{
    const xt_plan *plan = &code->probed->plan;
    uint64_t *numbers = xt_grow(one->numbers, &one->numbers_cap,
                                plan->slots + breaks, sizeof(*numbers));
    one->numbers = numbers != NULL ? numbers : one->numbers;
    int64_t *counts = xt_grow(one->counts, &one->counts_cap, plan->classes_len,
                              sizeof(*counts));
    one->counts = counts != NULL ? counts : one->counts;
    int64_t *balance = xt_grow(one->balance, &one->balance_cap, plan->nodes,
                               sizeof(*balance));
    one->balance = balance != NULL ? balance : one->balance;
    if (breaks > 0 && code->breaks == NULL) {
        code->breaks = xt_malloc(breaks * sizeof(*code->breaks));
        if (code->breaks != NULL) {
            memset(code->breaks, 0, breaks * sizeof(*code->breaks));
        }
    }
    return numbers != NULL && counts != NULL && balance != NULL &&
           (breaks == 0 || code->breaks != NULL);
}

static void
subtract(uint64_t *result, const uint64_t *now, const uint64_t *before,
         size_t len)
{
    for (size_t i = 0; i < len; i++) {
        result[i] = now[i] - before[i];
    }
}

static void
add_up(uint64_t *sum, const uint64_t *more, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum[i] += more[i];
    }
}

static size_t
breaks_of(const ProbedCodeObject *probed)
{
    return probed->breaks.left == NULL ? 0 : 3 * (size_t)probed->points_len;
}

/* Takes the change of a code object. -1 with an exception if out of memory. */
static int
take(const seen_codes *seen, change *one, seen_code *code)
{
    const ProbedCodeObject *probed = code->probed;
    size_t slots = probed->plan.slots;
    size_t breaks = breaks_of(probed);
    if (!reserve(one, code, breaks)) {
        PyErr_NoMemory();
        return -1;
    }
    subtract(one->numbers, probed->slots, seen_slots(seen, code), slots);
    one->has_breaks = breaks > 0;
    if (breaks > 0) {
        subtract(one->numbers + slots, probed->breaks.left, code->breaks,
                 breaks);
    }
    return 0;
}

/* Remembers a change as harvested. */
static void
remember(seen_codes *seen, const change *one, seen_code *code)
{
    size_t slots = code->probed->plan.slots;
    add_up(seen_slots(seen, code), one->numbers, slots);
    if (one->has_breaks) {
        add_up(code->breaks, one->numbers + slots,
               3 * (size_t)code->probed->points_len);
    }
    /* If frames of it run now, it has changed by the next harvest, whether or
       not they have come further. */
    seen->rows[code->row].dirty = code->runs;
}

/* Learns of new code, of slots that lie elsewhere, and where exceptions were.
   -1 (without an exception) if out of memory. */
static int
catch_up(EngineObject *engine, seen_codes *seen)
{
    const code_registry *registry = &engine->registry;
    for (const code_entry *entry = registry->newest;
         entry != NULL && entry->number > seen->known; entry = entry->older) {
        if (seen_get(seen, entry) == NULL) {
            return -1;
        }
    }
    seen->known = registry->probed;
    const probed_types *types = &engine->types;
    for (size_t i = 0; i < seen->len && seen->moved != types->moves; i++) {
        seen->rows[i].slots = seen->rows[i].code->probed->slots;
    }
    seen->moved = types->moves;
    for (const ProbedCodeObject *probed = types->broken;
         probed != NULL && probed->broken_time > seen->broken;
         probed = probed->broken_next) {
        const seen_code *code = xt_ptrmap_get(&seen->by_code, probed);
        if (code != NULL) {
            seen->rows[code->row].dirty = true;
        }
    }
    seen->broken = types->broken_times;
    return 0;
}

/* Says of which code frames were found. */
static void
mark_running(seen_codes *seen, const live_list *live, bool runs)
{
    for (size_t i = 0; i < live->len; i++) {
        seen_code *code =
            xt_ptrmap_get(&seen->by_code, live->places[i].probed);
        if (code != NULL) {
            code->runs = runs;
            seen->rows[code->row].dirty = true;
        }
    }
}

static inline bool
differ(const uint64_t *one, const uint64_t *other, uint32_t len)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < len; i++) {
        all |= one[i] ^ other[i];
    }
    return all != 0;
}

/* Slots lie in thousands of places, and the processor cannot guess where. */
static inline void
fetch(const seen_codes *seen, size_t row)
{
#ifdef __GNUC__
    if (row < seen->len) {
        __builtin_prefetch(seen->rows[row].slots);
    }
#else
    (void)seen;
    (void)row;
#endif
}

/* --- What follows from it --------------------------------------------------
 */

static int
add_line(TracerObject *tracer, traced_file *file, int32_t line, int64_t count)
{
    return line < 0 || count <= 0
               ? 0
               : files_add(&tracer->files, file, line, (uint64_t)count);
}

/* Adds lines, of what was solved, and of handlers that exceptions led to. */
static int
add_lines(TracerObject *tracer, const seen_code *code, const int64_t *counts,
          const uint64_t *fired)
{
    const ProbedCodeObject *probed = code->probed;
    const xt_plan *plan = &probed->plan;
    traced_file *file =
        files_get(&tracer->files, code->entry->original->co_filename);
    /* All or nothing. */
    size_t most =
        plan->classes_len + (fired == NULL ? 0 : (size_t)probed->points_len);
    int result = file == NULL ? -1 : files_reserve(&tracer->files, most);
    for (size_t i = 0; i < plan->classes_len && result == 0; i++) {
        result = add_line(tracer, file, plan->classes[i].line, counts[i]);
    }
    for (uint32_t i = 0;
         fired != NULL && i < probed->points_len && result == 0; i++) {
        result =
            add_line(tracer, file, probed->points[i].line, (int64_t)fired[i]);
    }
    return result;
}

static int
add_change(TracerObject *tracer, const change *one, seen_code *code)
{
    const ProbedCodeObject *probed = code->probed;
    const uint64_t *slots = one->numbers;
    const uint64_t *left = one->has_breaks ? slots + probed->plan.slots : NULL;
    const uint64_t *handled = left == NULL ? NULL : left + probed->points_len;
    const uint64_t *fired = left == NULL ? NULL : handled + probed->points_len;
    const xt_breaks flow = {left, handled};
    (void)xt_solve(&probed->plan, probed->points_len, slots, &flow,
                   one->balance, one->counts);
    bool branches = (tracer->mode & TRACER_BRANCHES) != 0;
    if (branches && !seen_need_outcomes(&tracer->seen, code)) {
        PyErr_NoMemory();
        return -1;
    }
    int result = add_lines(tracer, code, one->counts, fired);
    if (result == 0 && branches) {
        seen_add_outcomes(code, one->counts, handled);
    }
    return result;
}

/* --- All code --------------------------------------------------------------
 */

/* Takes the change of one code object, adds it if it is asked for, and
   remembers it. */
static int
harvest_one(TracerObject *tracer, change *one, seen_code *code, bool adds)
{
    int result = take(&tracer->seen, one, code);
    if (result == 0 && adds) {
        result = add_change(tracer, one, code);
    }
    if (result == 0) {
        remember(&tracer->seen, one, code);
    }
    return result;
}

/* The same with all that has changed; if it adds, of what is wanted. */
static int
harvest_changed(TracerObject *tracer, bool adds)
{
    enum { AHEAD = 12 };
    const seen_codes *seen = &tracer->seen;
    change one = {0};
    int result = 0;
    size_t len = seen->len;
    for (size_t i = 0; i < seen->len && result == 0; i++) {
        const seen_row *row = &seen->rows[i];
        fetch(seen, i + AHEAD);
        if ((row->dirty ||
             differ(row->slots, seen->copies + row->at, row->len)) &&
            (!adds || harvest_wants(tracer, row->code->entry))) {
            /* To add may free code. That which is held keeps its place. */
            PyObject *held = Py_NewRef((PyObject *)row->code->probed);
            result = harvest_one(tracer, &one, row->code, adds);
            Py_DECREF(held);
        }
        if (seen->len != len) {
            len = seen->len; /* another code may be in its place */
            i = SIZE_MAX;
        }
    }
    change_free(&one);
    return result;
}

typedef struct {
    EngineObject *engine;
    live_list *live;
} finding;

/* A frame runs: who counts its code? */
static int
note_frame(void *arg, const frame_head *frame, PyCodeObject *code,
           Py_ssize_t unit)
{
    const finding *job = arg;
    firstruns_found(job->engine, frame, code, unit);
    return fewcalls_found(job->engine, code, unit) < 0
               ? -1
               : live_found(job->engine, job->live, code, unit);
}

/* Takes all changes, at one moment: nothing of the program runs meanwhile, but
   for what names of files do that are more than strings. */
static int
harvest_all(EngineObject *engine, TracerObject *tracer, bool adds)
{
    live_list live = {0};
    finding job = {engine, &live};
    int result = live_visit(note_frame, &job);
    if (result < 0) {
        firstruns_forget_found(engine);
        fewcalls_forget_found(engine);
        live_end(&live);
        PyErr_NoMemory();
        return -1;
    }
    result = firstruns_count_found(engine);
    if (result < 0) {
        fewcalls_forget_found(engine);
    }
    else {
        result = fewcalls_count_found(engine);
    }
    if (result == 0 && catch_up(engine, &tracer->seen) < 0) {
        PyErr_NoMemory();
        result = -1;
    }
    if (result == 0) {
        mark_running(&tracer->seen, &live, true);
        result = harvest_changed(tracer, adds);
        mark_running(&tracer->seen, &live, false);
    }
    live_end(&live);
    return result;
}

/* Brings a code's branches and calls into the tracer's dicts. */
static int
settle_outcomes(TracerObject *tracer, seen_code *code)
{
    if (code->outcomes == NULL) {
        return 0;
    }
    const outcome_counts counts = {
        code->outcomes, code->outcomes + code->probed->plan.classes_len};
    if (outcomes_add(tracer, code->entry, counts) < 0) {
        return -1;
    }
    seen_drop_outcomes(&tracer->seen, code);
    return 0;
}

int
harvest_lines(EngineObject *engine, TracerObject *tracer)
{
    return harvest_all(engine, tracer, true);
}

int
harvest(EngineObject *engine, TracerObject *tracer)
{
    int result = harvest_lines(engine, tracer);
    while (result == 0 && tracer->seen.unsettled != NULL) {
        result = settle_outcomes(tracer, tracer->seen.unsettled);
    }
    return result == 0 ? sides_harvest(tracer) : result;
}

/* Of an entry whose code may be about to be freed. */
static int
settle(TracerObject *tracer, const code_entry *entry)
{
    seen_code *code = seen_get(&tracer->seen, entry);
    if (code == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    change one = {0};
    int result = harvest_one(tracer, &one, code, true);
    change_free(&one);
    return result == 0 ? settle_outcomes(tracer, code) : result;
}

int
harvest_settle(EngineObject *engine, const code_entry *entry)
{
    int result = 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        TracerObject *tracer = engine->sessions[i];
        if (entry->probed != NULL && harvest_wants(tracer, entry)) {
            result = settle(tracer, entry);
        }
        if (result == 0) {
            result = sides_settle(tracer, entry);
        }
    }
    if (result == 0) {
        harvest_drop(engine, entry);
    }
    return result;
}

void
harvest_drop(EngineObject *engine, const code_entry *entry)
{
    for (size_t i = 0; i < engine->sessions_len && entry->probed != NULL;
         i++) {
        seen_forget(&engine->sessions[i]->seen, entry->probed);
    }
}

int
harvest_skip(EngineObject *engine, TracerObject *tracer)
{
    int result = harvest_all(engine, tracer, false);
    if (result < 0) {
        harvest_forget(tracer);
    }
    return result;
}

void
harvest_forget(TracerObject *tracer)
{
    sides_forget(tracer);
    seen_fini(&tracer->seen);
}
