// SPDX-License-Identifier: Apache-2.0
#include "fewcalls.h"

#include "adopt.h"
#include "engine.h"
#include "fewcall.h"
#include "history.h"
#include "live.h"
#include "mem.h"
#include "straight.h"
#include "sweep.h"

/* --- The table ----------------------------------------------------------- */

static few_calls *
find(const EngineObject *engine, PyCodeObject *code)
{
    return xt_ptrmap_get(&engine->fews.by_code, code);
}

static bool
is_retired(const EngineObject *engine, const few_calls *few)
{
    return few->retired || engine->fews.ended;
}

static void
list(few_calls_table *table, few_calls *few)
{
    if (few->listed) {
        return;
    }
    few->listed = true;
    few->previous = NULL;
    few->next = table->first;
    if (table->first != NULL) {
        table->first->previous = few;
    }
    table->first = few;
}

static void
unlist(few_calls_table *table, few_calls *few)
{
    if (!few->listed) {
        return;
    }
    few->listed = false;
    *(few->previous == NULL ? &table->first : &few->previous->next) =
        few->next;
    if (few->next != NULL) {
        few->next->previous = few->previous;
    }
}

/* No more calls are noted, and what was is of no use any more. The code stays
   known until it is freed. */
static void
retire(few_calls_table *table, few_calls *few)
{
    unlist(table, few);
    few->retired = true;
    few->more = 0;
    fewcall_clear(few);
}

void
fewcalls_fini(few_calls_table *table)
{
    few_calls_table gone = *table;
    *table = (few_calls_table){0};
    for (size_t i = 0; gone.by_code.used > 0 && i <= gone.by_code.mask; i++) {
        if (gone.by_code.entries[i].key != NULL) {
            fewcall_free(gone.by_code.entries[i].value);
        }
    }
    xt_ptrmap_fini(&gone.by_code);
    xt_ptrmap_fini(&gone.unfit);
    xt_segments_fini(&gone.segments);
    xt_exctable_fini(&gone.handlers);
}

/* --- Calls --------------------------------------------------------------- */

static int
note_code(void *arg, const frame_head *Py_UNUSED(frame), PyCodeObject *code,
          Py_ssize_t Py_UNUSED(unit))
{
    few_calls_table *table = arg;
    return xt_ptrmap_set(&table->unfit, code, table) == XT_OK ? 0 : -1;
}

void
fewcalls_begin(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    /* To find suspended greenlets takes long. */
    if (live_has_greenlets() || live_visit(note_code, table) < 0) {
        table->refuses = true;
    }
}

static void
note_call(few_calls_table *table, few_calls *few)
{
    few->more--;
    few->calls++;
    list(table, few);
}

/* Frames of the code will run that are not noted: what it counts otherwise
   begins with those that run now. What cannot be counted is lost. -1 with an
   exception. */
static int
expel(EngineObject *engine, PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    int result = fewcalls_settle(engine);
    few_calls *few = find(engine, code);
    if (few == NULL) {
        return result;
    }
    if (xt_ptrmap_set(&table->unfit, code, table) != XT_OK) {
        table->refuses = true;
    }
    bool runs = few->breaks_len > 0;
    retire(table, few);
    if (result == 0 && runs) {
        result = adopt_midway(engine, code, few->file);
    }
    return result;
}

/* Begins to note calls of code that has none. */
static void
begin(few_calls_table *table, few_calls *few)
{
    few->more = XT_HISTORY_CALLS;
    few->renewed = table->renewed;
    xt_history_begin(few->segments, few->len, frame_code_start(few->code));
    note_call(table, few);
}

few_known
fewcalls_note(EngineObject *engine, const frame_head *frame,
              PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    few_calls *few = find(engine, code);
    if (few == NULL) {
        return FEW_UNKNOWN;
    }
    if (is_retired(engine, few)) {
        return FEW_KNOWN;
    }
    if (!adopt_is_at_home(engine, frame, few->file)) {
        return expel(engine, code) < 0 ? FEW_FAILED : FEW_KNOWN;
    }
    if (few->more == 0 || few->renewed != table->renewed) {
        return FEW_KNOWN;
    }
    note_call(table, few);
    return FEW_NOTED;
}

bool
fewcalls_knows(const EngineObject *engine, PyCodeObject *code)
{
    return find(engine, code) != NULL;
}

/* Whether the code may be fit at all. With branches, calls are counted by
   probes; a journal has to stand in its file at once. */
static bool
may_be_fit(const EngineObject *engine, PyCodeObject *code)
{
    return COMPAT_MINOR >= 13 && !engine->fews.refuses && !engine->branches &&
           engine->registry.kept == NULL && engine->left_thread == 0 &&
           !engine->onlookers.active &&
           PyUnicode_CheckExact(code->co_filename) &&
           xt_ptrmap_get(&engine->fews.unfit, code) == NULL &&
           registry_get(&engine->registry, code) == NULL;
}

/* Reads the code into fews.segments, of which there are none if it runs
   straight. 1 if it is fit, 0, or -1 with an exception. */
static int
read_code(EngineObject *engine, PyCodeObject *code, uint32_t *start)
{
    xt_segments *segments = &engine->fews.segments;
    const xt_code_view view = probed_view(code, frame_code_start(code));
    if (xt_straight_is(&view, start)) {
        segments->len = 0;
        return 1;
    }
    xt_status status = xt_segments_read(segments, &view, XT_TOLD_BY_HISTORY);
    if (status == XT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    if (status == XT_OK) {
        *start = segments->items[segments->resume + 1].unit;
    }
    return status == XT_OK;
}

int
fewcalls_start(EngineObject *engine, const frame_head *frame,
               PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    few_calls *known = find(engine, code);
    uint32_t start;
    if (!may_be_fit(engine, code)) {
        return 0;
    }
    if (known != NULL) {
        if (known->listed || known->retired ||
            known->renewed == table->renewed) {
            return 0;
        }
        begin(table, known);
        return 1;
    }
    int fit = read_code(engine, code, &start);
    if (fit <= 0) {
        return fit;
    }
    int sees = registry_sees_instructions(&engine->registry, code);
    PyObject *file = NULL;
    if (sees != 0 ||
        session_file(engine->sessions[0], frame->globals, &file) < 0 ||
        file == NULL) {
        return sees < 0 || PyErr_Occurred() ? -1 : 0;
    }
    few_calls *few = fewcall_new(code, file, start, &table->segments);
    if (few == NULL) {
        return -1;
    }
    if (xt_ptrmap_set(&table->by_code, code, few) != XT_OK) {
        fewcall_free(few);
        PyErr_NoMemory();
        return -1;
    }
    begin(table, few);
    return 1;
}

void
fewcalls_refuse(EngineObject *engine, PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    if (xt_ptrmap_set(&table->unfit, code, table) != XT_OK) {
        table->refuses = true;
    }
}

/* --- Breaks -------------------------------------------------------------- */

static bool
add_break(few_calls_table *table, few_calls *few, few_break what)
{
    bool added = fewcall_add_break(few, what);
    if (added) {
        list(table, few);
    }
    return added;
}

/* Where the exception table leads from a code unit, or XT_NONE. */
static uint32_t
find_handler(few_calls_table *table, PyCodeObject *code, uint32_t unit)
{
    const xt_code_view view = probed_view(code, frame_code_start(code));
    if (xt_exctable_read(&table->handlers, view.exceptions,
                         view.exceptions_len) != XT_OK) {
        return XT_NONE;
    }
    for (size_t i = 0; i < table->handlers.len; i++) {
        const xt_exctable_range *range = &table->handlers.ranges[i];
        if (unit >= range->start && unit < range->end) {
            return range->target;
        }
    }
    return XT_NONE;
}

int
fewcalls_interrupted(EngineObject *engine, const frame_head *frame,
                     PyCodeObject *code, Py_ssize_t handler)
{
    few_calls *few = find(engine, code);
    Py_ssize_t unit = frame_offset(frame, code);
    /* It may not have been told of yet that the frame has started. */
    if (few == NULL || is_retired(engine, few) ||
        unit < (Py_ssize_t)few->start) {
        return 0;
    }
    uint32_t stands = (uint32_t)unit;
    uint32_t to = handler < 0 ? XT_NONE : (uint32_t)handler;
    /* RERAISE, which nothing comes behind, has set the frame back to where the
       exception first arose, whose handler is another one. */
    bool raised_on = find_handler(&engine->fews, code, stands) != to;
    few_break what = {stands, to, raised_on ? 0 : -1};
    if (!add_break(&engine->fews, few, what)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int
fewcalls_found(EngineObject *engine, PyCodeObject *code, Py_ssize_t unit)
{
    few_calls *few = find(engine, code);
    if (few == NULL || is_retired(engine, few) || engine->fews.counts ||
        unit < (Py_ssize_t)few->start) {
        return 0;
    }
    few_break what = {(uint32_t)unit, XT_NONE, -1};
    if (!add_break(&engine->fews, few, what)) {
        return -1;
    }
    few->lives++;
    return 0;
}

static int
note_live(void *engine, const frame_head *Py_UNUSED(frame), PyCodeObject *code,
          Py_ssize_t unit)
{
    return fewcalls_found(engine, code, unit);
}

void
fewcalls_abandon(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    if (table->by_code.used > 0) {
        (void)live_visit_others(note_live, engine);
    }
    for (few_calls *few = table->first; few != NULL; few = few->next) {
        few->lives = 0;
    }
}

/* --- Counting ------------------------------------------------------------ */

/* Counts what there is, for all tracers or for none. The first step may run
   code of the program. */
static int
count(EngineObject *engine, few_calls *few)
{
    traced_file **files = engine_files(engine, few->file, few->name);
    if (files == NULL) {
        return -1;
    }
    fewcall_sum(few);
    int result = 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        result = files[i] == NULL
                     ? 0
                     : fewcall_reserve(few, &engine->sessions[i]->files);
    }
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        result = files[i] == NULL
                     ? 0
                     : fewcall_add(few, &engine->sessions[i]->files, files[i]);
    }
    if (result == 0) {
        fewcall_counted(few);
    }
    return result;
}

void
fewcalls_forget_found(EngineObject *engine)
{
    few_calls *few = engine->fews.counts ? NULL : engine->fews.first;
    for (; few != NULL; few = few->next) {
        few->breaks_len -= few->lives;
        few->lives = 0;
    }
}

int
fewcalls_count_found(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    if (table->counts) {
        return 0; /* within what the program does meanwhile */
    }
    table->counts = true;
    table->rounds++;
    int result = 0;
    few_calls *few = table->first;
    while (few != NULL && result == 0) {
        if (few->round == table->rounds) {
            few = few->next;
            continue;
        }
        few->round = table->rounds;
        PyObject *code = Py_NewRef((PyObject *)few->code);
        result = count(engine, few);
        if (result == 0 && few->breaks_len == 0) {
            unlist(table, few);
            if (few->more == 0) {
                retire(table, few);
            }
        }
        Py_DECREF(code);
        few = table->first; /* others may be gone */
    }
    table->counts = false;
    if (result < 0) {
        fewcalls_forget_found(engine);
    }
    return result;
}

int
fewcalls_settle(EngineObject *engine)
{
    if (engine->fews.first == NULL) {
        return 0;
    }
    if (live_visit(note_live, engine) < 0) {
        fewcalls_forget_found(engine);
        PyErr_NoMemory();
        return -1;
    }
    return fewcalls_count_found(engine);
}

static int
note_stranger(void *arg, const frame_head *frame, PyCodeObject *code,
              Py_ssize_t unit)
{
    EngineObject *engine = arg;
    return find(engine, code) != NULL
               ? 0
               : note_code(&engine->fews, frame, code, unit);
}

void
fewcalls_renew(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    table->renewed++;
    /* A new session may want what no other did. */
    if (!table->refuses &&
        (live_has_greenlets() || live_visit(note_stranger, engine) < 0)) {
        table->refuses = true;
    }
}

/* --- Ending -------------------------------------------------------------- */

int
fewcalls_end(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    if (table->ended) {
        return 0;
    }
    int result = fewcalls_settle(engine);
    table->refuses = true;
    table->ended = true;
    while (table->first != NULL) {
        few_calls *few = table->first;
        PyObject *code = Py_NewRef((PyObject *)few->code);
        bool runs = few->breaks_len > 0;
        retire(table, few);
        if (result == 0 && runs) {
            result = adopt_midway(engine, few->code, few->file);
        }
        Py_DECREF(code);
    }
    return result;
}

int
fewcalls_leave(EngineObject *engine, PyCodeObject *code)
{
    few_calls *few = find(engine, code);
    if (few == NULL || is_retired(engine, few)) {
        return 0;
    }
    if (fewcalls_settle(engine) < 0) {
        return -1;
    }
    retire(&engine->fews, few);
    return 0;
}

int
fewcalls_code_freed(EngineObject *engine, PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    few_calls *few = find(engine, code);
    xt_ptrmap_remove(&table->unfit, code);
    if (few == NULL) {
        return 0;
    }
    int result = few->listed ? count(engine, few) : 0;
    unlist(table, few);
    xt_ptrmap_remove(&table->by_code, code);
    fewcall_free(few);
    return result;
}
