// SPDX-License-Identifier: Apache-2.0
#include "fewcalls.h"

#include "adopt.h"
#include "engine.h"
#include "history.h"
#include "live.h"
#include "mem.h"
#include "straight.h"
#include "sweep.h"

/* Where a frame does not go on as the code says. */
typedef struct {
    uint32_t stands;  /* code unit */
    uint32_t handler; /* that where it goes on instead, or XT_NONE */
    int32_t rest;     /* how often what comes next is run besides: -1 for one
                         that is left there, 1 for one that was found there when
                         counts were read, 0 if no more is known of it */
} few_break;

/* One code object. */
typedef struct few_calls {
    struct few_calls *previous; /* of those with something to count, or NULL */
    struct few_calls *next;
    PyCodeObject *code; /* borrowed */
    PyObject *file;     /* owned str: __file__ of the module where it runs */
    PyObject *name;     /* owned str: co_filename */
    uint32_t start;     /* the code unit behind RESUME */
    uint32_t calls;     /* not counted yet */
    uint32_t more;      /* so many more can be noted, */
    uint64_t renewed;   /* as long as the table's number is this one */
    few_break *breaks;  /* owned */
    size_t breaks_len;
    size_t breaks_cap;
    size_t lives; /* the last of them: frames that run, as was just found */
    bool listed;
    uint32_t resume;
    uint32_t len;          /* 0: the code is straight */
    xt_segment segments[]; /* its segments */
} few_calls;

/* --- The table ----------------------------------------------------------- */

static few_calls *
find(const EngineObject *engine, PyCodeObject *code)
{
    return xt_ptrmap_get(&engine->fews.by_code, code);
}

static void
free_calls(few_calls *few)
{
    Py_DECREF(few->file);
    Py_DECREF(few->name);
    xt_free(few->breaks);
    xt_free(few);
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

static void
forget(few_calls_table *table, few_calls *few)
{
    unlist(table, few);
    xt_ptrmap_remove(&table->by_code, few->code);
    free_calls(few);
}

void
fewcalls_fini(few_calls_table *table)
{
    few_calls_table gone = *table;
    *table = (few_calls_table){0};
    for (size_t i = 0; gone.by_code.used > 0 && i <= gone.by_code.mask; i++) {
        if (gone.by_code.entries[i].key != NULL) {
            free_calls(gone.by_code.entries[i].value);
        }
    }
    xt_ptrmap_fini(&gone.by_code);
    xt_ptrmap_fini(&gone.unfit);
    xt_segments_fini(&gone.segments);
    xt_exctable_fini(&gone.handlers);
    xt_free(gone.hits);
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
    table->over = live_has_greenlets() || live_visit(note_code, table) < 0;
}

static void
note_call(few_calls_table *table, few_calls *few)
{
    few->more--;
    few->calls++;
    list(table, few);
}

/* Frames of the code will run that are not noted: what it counts otherwise
   begins with those that run now. -1 with an exception. */
static int
expel(EngineObject *engine, PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    if (xt_ptrmap_set(&table->unfit, code, table) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    if (fewcalls_settle(engine) < 0) {
        return -1;
    }
    few_calls *few = find(engine, code);
    if (few == NULL) {
        return 0;
    }
    bool runs = few->breaks_len > 0;
    PyObject *file = Py_NewRef(few->file);
    forget(table, few);
    int result = runs ? adopt_midway(engine, code, file) : 0;
    Py_DECREF(file);
    return result;
}

/* Whether a frame runs in the same module: whether it is wanted depends on
   that. */
static bool
is_at_home(const EngineObject *engine, const few_calls *few,
           const frame_head *frame)
{
    return PyDict_GetItem(frame->globals, engine->sessions[0]->s_file) ==
           few->file;
}

int
fewcalls_go_on(EngineObject *engine, const frame_head *frame,
               PyCodeObject *code)
{
    few_calls *few = find(engine, code);
    if (few == NULL) {
        return 0;
    }
    bool is_old = few->renewed != engine->fews.renewed;
    if (is_old && !few->listed) {
        forget(&engine->fews, few);
        return 0;
    }
    if (!is_at_home(engine, few, frame)) {
        return expel(engine, code);
    }
    if (is_old || few->more == 0) {
        return 0;
    }
    note_call(&engine->fews, few);
    return 1;
}

/* Whether the code may be fit at all. With branches, calls are counted by
   probes; a journal has to stand in its file at once. */
static bool
may_be_fit(const EngineObject *engine, PyCodeObject *code)
{
    return COMPAT_MINOR >= 13 && !engine->fews.over && !engine->branches &&
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

/* One that is noted, with no calls. `file` is taken over, also on failure;
   NULL with an exception. */
static few_calls *
add(few_calls_table *table, PyCodeObject *code, PyObject *file, uint32_t start)
{
    const xt_segments *segments = &table->segments;
    size_t size = segments->len * sizeof(*segments->items);
    few_calls *few = xt_malloc(sizeof(*few) + size);
    if (few == NULL || xt_ptrmap_set(&table->by_code, code, few) != XT_OK) {
        xt_free(few);
        Py_DECREF(file);
        PyErr_NoMemory();
        return NULL;
    }
    *few = (few_calls){
        .code = code,
        .file = file,
        .name = Py_NewRef(code->co_filename),
        .start = start,
        .more = XT_HISTORY_CALLS,
        .renewed = table->renewed,
        .resume = segments->resume,
        .len = (uint32_t)segments->len,
    };
    if (size > 0) {
        memcpy(few->segments, segments->items, size);
    }
    return few;
}

int
fewcalls_start(EngineObject *engine, const frame_head *frame,
               PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    uint32_t start;
    if (!may_be_fit(engine, code)) {
        return 0;
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
    few_calls *few = add(table, code, file, start);
    if (few == NULL) {
        return -1;
    }
    xt_history_begin(few->segments, few->len, frame_code_start(code));
    note_call(table, few);
    return 1;
}

void
fewcalls_refuse(EngineObject *engine, PyCodeObject *code)
{
    few_calls_table *table = &engine->fews;
    if (xt_ptrmap_set(&table->unfit, code, table) != XT_OK) {
        table->over = true;
    }
}

/* --- Breaks -------------------------------------------------------------- */

static bool
add_break(few_calls_table *table, few_calls *few, few_break what)
{
    few_break *breaks = xt_grow(few->breaks, &few->breaks_cap,
                                few->breaks_len + 1, sizeof(*breaks));
    if (breaks == NULL) {
        return false;
    }
    few->breaks = breaks;
    breaks[few->breaks_len++] = what;
    list(table, few);
    return true;
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
fewcalls_left(EngineObject *engine, const frame_head *frame,
              PyCodeObject *code, Py_ssize_t handler)
{
    few_calls *few = find(engine, code);
    Py_ssize_t unit = frame_offset(frame, code);
    if (few == NULL || unit < (Py_ssize_t)few->start) {
        return 0; /* it was not told of yet that the frame has started */
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
    if (few == NULL || unit < (Py_ssize_t)few->start) {
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

/* What its segments were hit by, in fews.hits. NULL with an exception. */
static int64_t *
count_segments(few_calls_table *table, const few_calls *few)
{
    int64_t *hits =
        xt_renew(table->hits, &table->hits_cap, few->len, sizeof(*hits));
    if (hits == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    table->hits = hits;
    memset(hits, 0, few->len * sizeof(*hits));
    const xt_segment *segments = few->segments;
    xt_history_add_calls(segments, few->resume, few->calls, hits);
    xt_history_add_turns(segments, few->len, frame_code_start(few->code),
                         hits);
    for (size_t i = 0; i < few->breaks_len; i++) {
        const few_break *at = &few->breaks[i];
        xt_history_add_rest(segments, few->len, at->stands, at->rest, hits);
        if (at->handler != XT_NONE) {
            xt_history_add_handled(segments, few->len, at->stands, at->handler,
                                   hits);
        }
    }
    return hits;
}

/* The run that all calls of straight code have had. */
static straight_run
run_of(const few_calls *few)
{
    return (straight_run){
        .table = few->code->co_linetable,
        .first_line = few->code->co_firstlineno,
        .start = few->start,
        .from = few->start,
        .to = XT_NONE,
        .times = few->calls,
    };
}

/* Straight code, in which not all frames have gone all the way. */
static int
add_parts(TracerObject *tracer, traced_file *file, const few_calls *few)
{
    const straight_run run = run_of(few);
    xt_straight way = runlog_way(&run);
    int result = 0;
    while (result == 0 && xt_straight_next(&way)) {
        int64_t hits = few->calls;
        for (size_t i = 0; i < few->breaks_len; i++) {
            const few_break *at = &few->breaks[i];
            hits += at->stands < way.unit ? at->rest : 0;
        }
        if (hits > 0) {
            result = files_add(&tracer->files, file, way.line, (uint64_t)hits);
        }
    }
    return result;
}

static bool
is_run(const few_calls *few)
{
    return few->len == 0 && few->breaks_len == 0;
}

/* Makes room for all that there is to add. */
static int
reserve(TracerObject *tracer, const few_calls *few)
{
    if (is_run(few)) {
        return files_reserve_run(&tracer->files);
    }
    size_t lines = few->len > 0
                       ? few->len
                       : (size_t)PyBytes_GET_SIZE(few->code->co_linetable);
    return files_reserve(&tracer->files, lines);
}

static int
add_to(TracerObject *tracer, traced_file *file, const few_calls *few,
       const int64_t *hits)
{
    if (is_run(few)) {
        const straight_run run = run_of(few);
        return files_add_run(&tracer->files, file, &run);
    }
    return few->len == 0 ? add_parts(tracer, file, few)
                         : files_add_segments(&tracer->files, file,
                                              few->segments, few->len, hits);
}

/* Frames that were found running will run the rest. */
static void
go_on_from_lives(few_calls *few)
{
    size_t before = few->breaks_len - few->lives;
    for (size_t i = 0; i < few->lives; i++) {
        few->breaks[i] = few->breaks[before + i];
        few->breaks[i].rest = 1;
    }
    few->breaks_len = few->lives;
    few->lives = 0;
}

/* Counts what there is, for all tracers or for none. */
static int
count(EngineObject *engine, few_calls *few)
{
    few_calls_table *table = &engine->fews;
    traced_file **files = engine_files(engine, few->file, few->name);
    const int64_t *hits = few->len > 0 ? count_segments(table, few) : NULL;
    if (files == NULL || (few->len > 0 && hits == NULL)) {
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        result = files[i] == NULL ? 0 : reserve(engine->sessions[i], few);
    }
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        result = files[i] == NULL
                     ? 0
                     : add_to(engine->sessions[i], files[i], few, hits);
    }
    if (result < 0) {
        return -1;
    }
    xt_history_begin(few->segments, few->len, frame_code_start(few->code));
    few->calls = 0;
    go_on_from_lives(few);
    return 0;
}

void
fewcalls_forget_found(EngineObject *engine)
{
    for (few_calls *few = engine->fews.first; few != NULL; few = few->next) {
        few->breaks_len -= few->lives;
        few->lives = 0;
    }
}

int
fewcalls_count_found(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    int result = 0;
    few_calls *next;
    for (few_calls *few = table->first; few != NULL && result == 0;
         few = next) {
        next = few->next;
        result = count(engine, few);
        if (result == 0 && few->breaks_len == 0) {
            unlist(table, few);
            if (few->more == 0) {
                forget(table, few);
            }
        }
    }
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

void
fewcalls_renew(EngineObject *engine)
{
    engine->fews.renewed++;
}

/* --- Ending -------------------------------------------------------------- */

int
fewcalls_end(EngineObject *engine)
{
    few_calls_table *table = &engine->fews;
    int result = fewcalls_settle(engine);
    table->over = true;
    while (table->first != NULL && result == 0) { /* those with frames */
        PyObject *code = Py_NewRef((PyObject *)table->first->code);
        result = expel(engine, (PyCodeObject *)code);
        Py_DECREF(code);
    }
    if (result == 0) {
        fewcalls_fini(table);
        table->over = true;
    }
    return result;
}

int
fewcalls_leave(EngineObject *engine, PyCodeObject *code)
{
    if (find(engine, code) == NULL) {
        return 0;
    }
    if (fewcalls_settle(engine) < 0) {
        return -1;
    }
    few_calls *few = find(engine, code);
    if (few != NULL) {
        forget(&engine->fews, few);
    }
    return 0;
}

int
fewcalls_code_freed(EngineObject *engine, PyCodeObject *code)
{
    few_calls *few = find(engine, code);
    xt_ptrmap_remove(&engine->fews.unfit, code);
    if (few == NULL) {
        return 0;
    }
    int result = few->listed ? count(engine, few) : 0;
    forget(&engine->fews, few);
    return result;
}
