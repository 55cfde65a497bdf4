// SPDX-License-Identifier: Apache-2.0
#include "firstruns.h"

#include "engine.h"
#include "keptcode.h"
#include "live.h"
#include "mem.h"
#include "monitoring.h"
#include "sweep.h"

/* One frame and the line events that it has or will have. */
typedef struct first_run {
    struct first_run *previous; /* in the order of their start, or NULL */
    struct first_run *next;
    const frame_head *frame; /* only the address is looked at */
    PyCodeObject *code;      /* borrowed: the run ends when it is freed, unless
                                that fails */
    PyObject *file; /* owned str: __file__ of the module where it runs */
    PyObject *name; /* owned str: co_filename */
    bool lives;     /* while runs are settled: the frame runs */
    bool ended;     /* most likely, it does no more */
    size_t done;    /* events that were counted */
    size_t until;   /* that it has had if it lives; else = len */
    size_t len;
    xt_journal_body *kept; /* in the journal, or NULL */
    size_t settled_before; /* events that are not in there, the first ones */
    size_t all;            /* what `len` was at first */
    uint32_t start;        /* the code unit behind RESUME */
    bool alone;            /* no other tool had events when it started */
    bool listens;          /* there are local events for the code */
    xt_onward *way;        /* owned: how it goes on at the next branch, NULL
                              if there is none in the code. Its code is a copy:
                              events of others may change that which runs */
    xt_onward_step *steps; /* owned: has room for all there can be */
} first_run;

static void
run_free(first_run *run)
{
    Py_XDECREF(run->file);
    Py_XDECREF(run->name);
    xt_free(run->way);
    xt_free(run->steps);
    xt_free(run);
}

void
firstruns_fini(first_runs *runs)
{
    while (runs->first != NULL) {
        first_run *run = runs->first;
        runs->first = run->next;
        run_free(run);
    }
    xt_ptrmap_fini(&runs->by_frame);
    xt_ptrmap_fini(&runs->started);
    xt_onward_fini(&runs->path);
    xt_free(runs->files);
    *runs = (first_runs){0};
}

/* Has the run go on with the steps, behind those that are not counted yet. */
static void
add_steps(first_run *run, const xt_onward_steps *path)
{
    size_t rest = run->len - run->done;
    if (rest > 0) {
        memmove(run->steps, run->steps + run->done,
                rest * sizeof(*run->steps));
    }
    if (path->len > 0) {
        memcpy(run->steps + rest, path->items,
               path->len * sizeof(*run->steps));
    }
    run->done = 0;
    run->until = run->len = run->all = rest + path->len;
}

/* A copy of the way, and behind it of the code. */
static xt_onward *
copy_way(const xt_onward *way)
{
    size_t len = way->view.code_len;
    xt_onward *copy = xt_malloc(sizeof(*copy) + len);
    if (copy != NULL) {
        *copy = *way;
        copy->view.code = memcpy(copy + 1, way->view.code, len);
    }
    return copy;
}

/* `file` is taken over, also on failure. */
static first_run *
run_new(const frame_head *frame, PyCodeObject *code, PyObject *file,
        const xt_onward *way, const xt_onward_steps *path)
{
    size_t most = way->branches ? way->units : path->len;
    first_run *run = xt_malloc(sizeof(*run));
    if (run == NULL) {
        Py_DECREF(file);
        PyErr_NoMemory();
        return NULL;
    }
    *run = (first_run){
        .frame = frame,
        .code = code,
        .file = file,
        .name = Py_NewRef(code->co_filename),
        .ended = !sweep_is_body(code),
        .start = way->start,
        .listens = way->branches || !sweep_is_body(code),
        .way = way->branches ? copy_way(way) : NULL,
        .steps = xt_malloc(most * sizeof(*run->steps)),
    };
    if (run->steps == NULL || (way->branches && run->way == NULL)) {
        run_free(run);
        PyErr_NoMemory();
        return NULL;
    }
    add_steps(run, path);
    return run;
}

/* --- Code that was started once ------------------------------------------ */

/* What is noted of code whose first run is over, or was rewritten. */
static void *
mark_of(EngineObject *engine, bool listens)
{
    return listens ? (void *)&engine->side_events : (void *)engine;
}

static first_run *
run_of(const EngineObject *engine, const void *mark)
{
    bool is_run = mark != engine && mark != &engine->side_events;
    return is_run ? (first_run *)mark : NULL;
}

bool
firstruns_note_start(EngineObject *engine, PyCodeObject *code)
{
    return xt_ptrmap_set(&engine->firsts.started, code,
                         mark_of(engine, false)) == XT_OK;
}

/* Notes a run, whose frame has none. */
static int
add_run(first_runs *runs, first_run *run)
{
    if (xt_ptrmap_set(&runs->by_frame, run->frame, run) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    run->previous = runs->last;
    *(runs->last == NULL ? &runs->first : &runs->last->next) = run;
    runs->last = run;
    return 0;
}

/* --- In a journal -------------------------------------------------------- */

/* Notes in the journal, if there is one whose tracer wants the run, which
   events are still to be counted: should nobody come to count them. */
static void
enter_file(const EngineObject *engine, first_run *run)
{
    const TracerObject *tracer = NULL;
    for (size_t i = 0; i < engine->sessions_len && tracer == NULL; i++) {
        if (engine->sessions[i]->kept == engine->registry.kept) {
            tracer = engine->sessions[i];
        }
    }
    if (engine->registry.kept == NULL || tracer == NULL ||
        !session_wants(tracer, run->file)) {
        return;
    }
    size_t len = run->len - run->done;
    int32_t *lines = xt_malloc(len * sizeof(*lines));
    if (lines == NULL) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        lines[i] = run->steps[run->done + i].line;
    }
    run->kept = keptcode_body(engine->registry.kept, run->name, lines, len);
    if (run->kept != NULL) {
        run->kept->ended = run->ended;
    }
    run->settled_before = run->done;
    xt_free(lines);
}

/* So many events are counted. */
static void
note_settled(const first_run *run, size_t events)
{
    if (run->kept != NULL) {
        run->kept->settled = events - run->settled_before;
    }
}

/* Nothing more of the run is counted in the journal. */
static void
leave_file(first_run *run)
{
    note_settled(run, run->all);
    run->kept = NULL;
}

void
firstruns_enter_file(EngineObject *engine)
{
    first_run *run = engine->firsts.first;
    for (; run != NULL; run = run->next) {
        enter_file(engine, run);
    }
}

void
firstruns_leave_file(EngineObject *engine)
{
    first_run *run = engine->firsts.first;
    for (; run != NULL; run = run->next) {
        leave_file(run);
    }
}

/* --- Runs -----------------------------------------------------------------
 */

static void
remove_run(EngineObject *engine, first_run *run)
{
    first_runs *runs = &engine->firsts;
    leave_file(run);
    if (xt_ptrmap_get(&runs->started, run->code) == run) {
        (void)xt_ptrmap_set(&runs->started, run->code,
                            mark_of(engine, run->listens));
    }
    xt_ptrmap_remove(&runs->by_frame, run->frame);
    *(run->previous == NULL ? &runs->first : &run->previous->next) = run->next;
    *(run->next == NULL ? &runs->last : &run->next->previous) = run->previous;
    run_free(run);
}

/* What is noted of a frame that runs `code`, or NULL. The place may be that of
   a frame which has ended, and the address that of its code: but then the
   start of this one has been reported, which took the note away: only that of
   rewritten code, or of such as nobody wants, may not be. */
static first_run *
find_run(const EngineObject *engine, const frame_head *frame,
         PyCodeObject *code)
{
    first_run *run = xt_ptrmap_get(&engine->firsts.by_frame, frame);
    bool is_its = run != NULL && run->code == code &&
                  probed_get(&engine->types, code) == NULL;
    return is_its ? run : NULL;
}

/* --- Counting ------------------------------------------------------------ */

/* Finds where each session counts the run: firsts.files, NULL for one that
   does not want it. */
static int
find_files(EngineObject *engine, const first_run *run)
{
    first_runs *runs = &engine->firsts;
    traced_file **files = xt_grow(runs->files, &runs->files_cap,
                                  engine->sessions_len, sizeof(*files));
    if (files == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    runs->files = files;
    for (size_t i = 0; i < engine->sessions_len; i++) {
        TracerObject *tracer = engine->sessions[i];
        files[i] = NULL;
        if (session_wants(tracer, run->file)) {
            files[i] = files_get(&tracer->files, run->name);
            if (files[i] == NULL) {
                return -1;
            }
        }
    }
    return 0;
}

/* Counts an event for the sessions that want it. */
static int
count_step(const EngineObject *engine, int32_t line)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        traced_file *file = engine->firsts.files[i];
        if (file != NULL &&
            files_hit_once(&engine->sessions[i]->files, file, line) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Counts the events up to run->until. */
static int
count_run(EngineObject *engine, first_run *run)
{
    if (run->done < run->until && find_files(engine, run) < 0) {
        return -1;
    }
    while (run->done < run->until) {
        if (count_step(engine, run->steps[run->done].line) < 0) {
            return -1;
        }
        run->done++;
        note_settled(run, run->done);
    }
    return 0;
}

/* Counts what is left of a frame that has ended. */
static int
end_run(EngineObject *engine, first_run *run)
{
    if (count_run(engine, run) < 0) {
        return -1;
    }
    remove_run(engine, run);
    return 0;
}

/* Whether what stands there is not the frame that was noted, but another one
   that was started in its place and could not be reported yet: a signal is
   handled before (since 3.13), or the callback of another tool. So the frame
   that was noted has ended. */
static bool
is_another(const first_run *run, Py_ssize_t unit)
{
    return COMPAT_MINOR >= 13 && run->alone && unit < (Py_ssize_t)run->start;
}

/* The frame stands at a code unit. */
static void
note_place(first_run *run, Py_ssize_t unit)
{
    run->until = run->done;
    while (run->until < run->len &&
           (Py_ssize_t)run->steps[run->until].unit <= unit) {
        run->until++;
    }
}

/* --- Starting ------------------------------------------------------------ */

/* On 3.12, which line its caller is told of again depends on whether the call
   was specialised; to get other code while it is called undoes that. */
static bool
is_function_of_312(PyCodeObject *code)
{
    return COMPAT_MINOR < 13 && !sweep_is_body(code);
}

/* Whether the code is fit, and then the events that it has first in
   firsts.path. With branches, calls are counted by probes. A function with
   branches is likely to run again, and then to listen for them was in vain.
   1, 0, or -1 with an exception. */
static int
is_fit(EngineObject *engine, PyCodeObject *code, xt_onward *way)
{
    if (engine->branches || is_function_of_312(code) ||
        PyBytes_GET_SIZE(code->co_exceptiontable) > 0 ||
        !PyUnicode_CheckExact(code->co_filename) ||
        registry_get(&engine->registry, code) != NULL) {
        return 0;
    }
    const xt_code_view view = probed_view(code, frame_code_start(code));
    xt_status status =
        xt_onward_start(way, &engine->firsts.path, &view, sweep_is_body(code));
    if (status == XT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    if (status != XT_OK) {
        return 0;
    }
    int sees = registry_sees_instructions(&engine->registry, code);
    return sees < 0 ? -1 : !sees;
}

/* Has events tell what becomes of frames of the code. */
static int
listen(const EngineObject *engine, const first_run *run)
{
    return !run->listens ? 0
                         : monitoring_switch_code(
                               engine->monitoring, engine->tool, run->code,
                               run->way != NULL ? engine->side_events
                                                : engine->return_event);
}

/* Notes a run that is fit. */
static int
note_run(EngineObject *engine, first_run *run)
{
    first_runs *runs = &engine->firsts;
    if (xt_ptrmap_set(&runs->started, run->code, run) != XT_OK) {
        run_free(run);
        PyErr_NoMemory();
        return -1;
    }
    if (add_run(runs, run) < 0) {
        (void)firstruns_note_start(engine, run->code);
        run_free(run);
        return -1;
    }
    if (listen(engine, run) < 0) {
        remove_run(engine, run);
        return -1;
    }
    enter_file(engine, run);
    return 1;
}

int
firstruns_start(EngineObject *engine, const frame_head *frame,
                PyCodeObject *code)
{
    if (xt_ptrmap_get(&engine->firsts.by_frame, frame) != NULL) {
        return 0; /* memory ran out when that was to be counted */
    }
    xt_onward way;
    int fit = is_fit(engine, code, &way);
    if (fit <= 0) {
        return fit;
    }
    PyObject *file;
    if (session_file(engine->sessions[0], frame->globals, &file) < 0) {
        return -1;
    }
    if (file == NULL) {
        return 0;
    }
    first_run *run = run_new(frame, code, file, &way, &engine->firsts.path);
    if (run == NULL) {
        return -1;
    }
    run->alone = !engine->onlookers.active;
    return note_run(engine, run);
}

int
firstruns_replace(EngineObject *engine, const frame_head *frame)
{
    first_run *run = xt_ptrmap_get(&engine->firsts.by_frame, frame);
    return run == NULL ? 0 : end_run(engine, run);
}

int
firstruns_branched(EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code, Py_ssize_t unit)
{
    first_run *run = find_run(engine, frame, code);
    if (run == NULL || run->way == NULL) {
        return 0;
    }
    int result = count_run(engine, run);
    if (unit < 0 || unit > UINT32_MAX ||
        !xt_onward_turn(run->way, (uint32_t)unit)) {
        return result; /* a debugger has set f_lineno */
    }
    /* There is room, as for what was read first. */
    (void)xt_onward_read(run->way, &engine->firsts.path);
    leave_file(run);
    add_steps(run, &engine->firsts.path);
    enter_file(engine, run);
    return result;
}

/* --- Ending -------------------------------------------------------------- */

int
firstruns_returned(EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code)
{
    first_run *run = find_run(engine, frame, code);
    return run == NULL ? 0 : end_run(engine, run);
}

int
firstruns_raised(EngineObject *engine, const frame_head *frame,
                 PyCodeObject *code)
{
    first_run *run = find_run(engine, frame, code);
    if (run == NULL) {
        return 0;
    }
    Py_ssize_t unit = frame_offset(frame, code);
    if (!is_another(run, unit)) {
        note_place(run, unit);
        run->len = run->until;
    }
    return end_run(engine, run);
}

int
firstruns_code_freed(EngineObject *engine, PyCodeObject *code)
{
    first_run *run =
        run_of(engine, xt_ptrmap_get(&engine->firsts.started, code));
    (void)xt_ptrmap_remove(&engine->firsts.started, code);
    if (run == NULL) {
        return 0;
    }
    /* All frames have ended; another one may stand in its place. */
    return end_run(engine, run);
}

void
firstruns_stop_listening(EngineObject *engine)
{
    const xt_ptrmap *started = &engine->firsts.started;
    for (size_t i = 0; started->used > 0 && i <= started->mask; i++) {
        const xt_ptrmap_entry *entry = &started->entries[i];
        const first_run *run = run_of(engine, entry->value);
        bool listens =
            run != NULL ? run->listens : entry->value == &engine->side_events;
        if (entry->key != NULL && listens &&
            monitoring_switch_code(engine->monitoring, engine->tool,
                                   (PyCodeObject *)entry->key, 0) < 0) {
            PyErr_Clear();
        }
    }
}

static int
note_live(void *arg, const frame_head *frame, PyCodeObject *code,
          Py_ssize_t unit)
{
    first_run *run = find_run(arg, frame, code);
    if (run != NULL && !is_another(run, unit)) {
        note_place(run, unit);
        run->lives = true;
    }
    return 0;
}

/* What the frame has not come to by now may take long. */
static void
note_lives(first_run *run)
{
    run->lives = false;
    run->ended = false;
    if (run->kept != NULL) {
        run->kept->ended = 0;
    }
}

int
firstruns_progress(EngineObject *engine)
{
    /* To find suspended greenlets takes long. */
    return engine->firsts.first == NULL || live_has_greenlets()
               ? 0
               : firstruns_settle(engine);
}

int
firstruns_settle(EngineObject *engine)
{
    first_runs *runs = &engine->firsts;
    if (runs->first == NULL) {
        return 0;
    }
    (void)live_visit(note_live, engine);
    int result = 0;
    first_run *next;
    for (first_run *run = runs->first; run != NULL; run = next) {
        next = run->next;
        if (result == 0) {
            result = count_run(engine, run);
        }
        if (run->lives) {
            note_lives(run);
            run->until = run->len;
        }
        else if (result == 0) {
            remove_run(engine, run);
        }
    }
    return result;
}

static int
note_abandoned(void *arg, const frame_head *frame, PyCodeObject *code,
               Py_ssize_t unit)
{
    first_run *run = find_run(arg, frame, code);
    if (run != NULL && !is_another(run, unit)) {
        note_place(run, unit);
        run->len = run->until;
    }
    return 0;
}

void
firstruns_abandon(EngineObject *engine)
{
    if (engine->firsts.first != NULL) {
        (void)live_visit_others(note_abandoned, engine);
    }
}

int
firstruns_leave(EngineObject *engine, PyCodeObject *code)
{
    const xt_ptrmap *started = &engine->firsts.started;
    if (run_of(engine, xt_ptrmap_get(started, code)) == NULL) {
        return 0;
    }
    if (firstruns_settle(engine) < 0) {
        return -1;
    }
    first_run *run = run_of(engine, xt_ptrmap_get(started, code));
    if (run != NULL) { /* it lives */
        remove_run(engine, run);
    }
    return 0;
}
