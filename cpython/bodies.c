// SPDX-License-Identifier: Apache-2.0
#include "bodies.h"

#include "engine.h"
#include "keptcode.h"
#include "live.h"
#include "mem.h"

/* One frame and the line events that it has or will have. */
typedef struct body_run {
    struct body_run *previous; /* in the order of their start, or NULL */
    struct body_run *next;
    const frame_head *frame; /* only the address is looked at */
    PyCodeObject *code;      /* borrowed: it may be gone when the frame is */
    PyObject *file; /* owned str: __file__ of the module where it runs */
    PyObject *name; /* owned str: co_filename */
    bool lives;     /* while runs are settled: the frame runs */
    size_t done;    /* events that were counted */
    size_t until;   /* that it has had if it lives; else = len */
    size_t len;
    uint64_t *settled;     /* in the journal: xt_journal_body; or NULL */
    size_t settled_before; /* events that are not in there, the first ones */
    size_t all;            /* what `len` was at first */
    xt_straight_step steps[];
} body_run;

static void
run_free(body_run *run)
{
    Py_DECREF(run->file);
    Py_DECREF(run->name);
    xt_free(run);
}

void
bodies_fini(body_runs *runs)
{
    while (runs->first != NULL) {
        body_run *run = runs->first;
        runs->first = run->next;
        run_free(run);
    }
    xt_ptrmap_fini(&runs->by_frame);
    xt_straight_fini(&runs->path);
    xt_free(runs->files);
    *runs = (body_runs){0};
}

static body_run *
run_new(const frame_head *frame, PyCodeObject *code, PyObject *file,
        const xt_straight *path)
{
    body_run *run = xt_malloc(sizeof(*run) + path->len * sizeof(*path->steps));
    if (run == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *run = (body_run){
        .frame = frame,
        .code = code,
        .file = Py_NewRef(file),
        .name = Py_NewRef(code->co_filename),
        .until = path->len,
        .len = path->len,
        .all = path->len,
    };
    if (path->len > 0) {
        memcpy(run->steps, path->steps, path->len * sizeof(*path->steps));
    }
    return run;
}

/* Notes a run, whose frame has none. */
static int
add_run(body_runs *runs, body_run *run)
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
enter_file(const EngineObject *engine, body_run *run)
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
    run->settled = keptcode_body(engine->registry.kept, run->name, lines, len);
    run->settled_before = run->done;
    xt_free(lines);
}

/* So many events are counted. */
static void
note_settled(const body_run *run, size_t events)
{
    if (run->settled != NULL) {
        *run->settled = events - run->settled_before;
    }
}

/* Nothing more of the run is counted in the journal. */
static void
leave_file(body_run *run)
{
    note_settled(run, run->all);
    run->settled = NULL;
}

void
bodies_enter_file(EngineObject *engine)
{
    body_run *run = engine->bodies.first;
    for (; run != NULL; run = run->next) {
        enter_file(engine, run);
    }
}

void
bodies_leave_file(EngineObject *engine)
{
    body_run *run = engine->bodies.first;
    for (; run != NULL; run = run->next) {
        leave_file(run);
    }
}

/* --- Runs -----------------------------------------------------------------
 */

static void
remove_run(body_runs *runs, body_run *run)
{
    leave_file(run);
    xt_ptrmap_remove(&runs->by_frame, run->frame);
    *(run->previous == NULL ? &runs->first : &run->previous->next) = run->next;
    *(run->next == NULL ? &runs->last : &run->next->previous) = run->previous;
    run_free(run);
}

/* What is noted of a frame that runs `code`, or NULL. The place may be that of
   a frame which has ended, and the address that of its code: but then the
   start of this one has been reported, which took the note away. That holds
   for bodies only, as functions and rewritten code may start unreported. */
static body_run *
find_run(const EngineObject *engine, const frame_head *frame,
         PyCodeObject *code)
{
    body_run *run = xt_ptrmap_get(&engine->bodies.by_frame, frame);
    bool is_its = run != NULL && run->code == code &&
                  (code->co_flags & CO_OPTIMIZED) == 0 &&
                  probed_get(&engine->types, code) == NULL;
    return is_its ? run : NULL;
}

/* --- Counting ------------------------------------------------------------ */

/* Finds where each session counts the run: bodies.files, NULL for one that
   does not want it. */
static int
find_files(EngineObject *engine, const body_run *run)
{
    body_runs *runs = &engine->bodies;
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
        traced_file *file = engine->bodies.files[i];
        if (file != NULL &&
            files_hit_once(&engine->sessions[i]->files, file, line) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Counts the events up to run->until. */
static int
count_run(EngineObject *engine, body_run *run)
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
end_run(EngineObject *engine, body_run *run)
{
    if (count_run(engine, run) < 0) {
        return -1;
    }
    remove_run(&engine->bodies, run);
    return 0;
}

/* The frame stands at a code unit. */
static void
note_place(body_run *run, Py_ssize_t unit)
{
    run->until = run->done;
    while (run->until < run->len &&
           (Py_ssize_t)run->steps[run->until].unit <= unit) {
        run->until++;
    }
}

/* --- Starting ------------------------------------------------------------ */

/* Whether the code is fit, and then its events in bodies.path. With branches,
   calls are counted by probes. 1, 0, or -1 with an exception. */
static int
is_fit(EngineObject *engine, PyCodeObject *code)
{
    if (engine->branches || PyBytes_GET_SIZE(code->co_exceptiontable) > 0 ||
        !PyUnicode_CheckExact(code->co_filename) ||
        registry_get(&engine->registry, code) != NULL) {
        return 0;
    }
    const xt_code_view view = probed_view(code, frame_code_start(code));
    xt_status status = xt_straight_read(&engine->bodies.path, &view);
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

int
bodies_start(EngineObject *engine, const frame_head *frame, PyCodeObject *code)
{
    if (xt_ptrmap_get(&engine->bodies.by_frame, frame) != NULL) {
        return 0; /* memory ran out when that was to be counted */
    }
    int fit = is_fit(engine, code);
    if (fit <= 0) {
        return fit;
    }
    PyObject *file =
        PyDict_GetItemWithError(frame->globals, engine->sessions[0]->s_file);
    if (file == NULL || !PyUnicode_CheckExact(file)) {
        return PyErr_Occurred() ? -1 : 0;
    }
    body_run *run = run_new(frame, code, file, &engine->bodies.path);
    if (run == NULL) {
        return -1;
    }
    if (add_run(&engine->bodies, run) < 0) {
        run_free(run);
        return -1;
    }
    enter_file(engine, run);
    return 1;
}

int
bodies_replace(EngineObject *engine, const frame_head *frame,
               PyCodeObject *code)
{
    if ((code->co_flags & CO_OPTIMIZED) != 0) {
        return 0;
    }
    body_run *run = xt_ptrmap_get(&engine->bodies.by_frame, frame);
    return run == NULL ? 0 : end_run(engine, run);
}

/* --- Ending -------------------------------------------------------------- */

int
bodies_raised(EngineObject *engine, const frame_head *frame,
              PyCodeObject *code)
{
    body_run *run = find_run(engine, frame, code);
    if (run == NULL) {
        return 0;
    }
    note_place(run, frame_offset(frame, code));
    run->len = run->until;
    return end_run(engine, run);
}

static int
note_live(void *arg, const frame_head *frame, PyCodeObject *code,
          Py_ssize_t unit)
{
    body_run *run = find_run(arg, frame, code);
    if (run != NULL) {
        note_place(run, unit);
        run->lives = true;
    }
    return 0;
}

int
bodies_progress(EngineObject *engine)
{
    /* To find suspended greenlets takes long. */
    return engine->bodies.first == NULL || live_has_greenlets()
               ? 0
               : bodies_settle(engine);
}

int
bodies_settle(EngineObject *engine)
{
    body_runs *runs = &engine->bodies;
    if (runs->first == NULL) {
        return 0;
    }
    (void)live_visit(note_live, engine);
    int result = 0;
    body_run *next;
    for (body_run *run = runs->first; run != NULL; run = next) {
        next = run->next;
        if (result == 0) {
            result = count_run(engine, run);
        }
        if (run->lives) {
            run->lives = false;
            run->until = run->len;
        }
        else if (result == 0) {
            remove_run(runs, run);
        }
    }
    return result;
}

static int
note_abandoned(void *arg, const frame_head *frame, PyCodeObject *code,
               Py_ssize_t unit)
{
    body_run *run = find_run(arg, frame, code);
    if (run != NULL) {
        note_place(run, unit);
        run->len = run->until;
    }
    return 0;
}

void
bodies_abandon(EngineObject *engine)
{
    if (engine->bodies.first != NULL) {
        (void)live_visit_others(note_abandoned, engine);
    }
}

int
bodies_leave(EngineObject *engine, PyCodeObject *code)
{
    if ((code->co_flags & CO_OPTIMIZED) != 0) {
        return 0; /* of a function */
    }
    if (bodies_settle(engine) < 0) {
        return -1;
    }
    body_run *next; /* now all of them live */
    for (body_run *run = engine->bodies.first; run != NULL; run = next) {
        next = run->next;
        if (run->code == code) {
            remove_run(&engine->bodies, run);
        }
    }
    return 0;
}
