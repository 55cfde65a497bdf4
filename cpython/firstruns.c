// SPDX-License-Identifier: Apache-2.0
#include "firstruns.h"

#include "adopt.h"
#include "engine.h"
#include "firstcount.h"
#include "firstrun.h"
#include "kept.h"
#include "keptrun.h"
#include "live.h"
#include "monitoring.h"
#include "recall.h"
#include "sweep.h"

/* --- Lists ----------------------------------------------------------------
 */

static void
put_last(first_run_list *list, first_run *run)
{
    run->next = NULL;
    run->previous = list->last;
    *(list->last == NULL ? &list->first : &list->last->next) = run;
    list->last = run;
}

static void
take_out(first_run_list *list, first_run *run)
{
    *(run->previous == NULL ? &list->first : &run->previous->next) = run->next;
    *(run->next == NULL ? &list->last : &run->next->previous) = run->previous;
}

static first_run_list *
list_of(first_runs *runs, const first_run *run)
{
    return run->waits ? &runs->waiting : &runs->runs;
}

static void
set_waiting(first_runs *runs, first_run *run, bool waits)
{
    if (run->waits != waits) {
        take_out(list_of(runs, run), run);
        run->waits = waits;
        put_last(list_of(runs, run), run);
    }
}

static void
free_list(first_run *run)
{
    while (run != NULL) {
        first_run *next = run->next;
        firstrun_free(run);
        run = next;
    }
}

void
firstruns_fini(first_runs *runs)
{
    free_list(runs->runs.first);
    free_list(runs->waiting.first);
    xt_ptrmap_fini(&runs->by_frame);
    xt_ptrmap_fini(&runs->started);
    xt_segments_fini(&runs->segments);
    xt_route_steps_fini(&runs->steps);
    *runs = (first_runs){0};
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
    put_last(&runs->runs, run);
    return 0;
}

/* --- In a journal -------------------------------------------------------- */

/* Notes in the journal, if there is one whose tracer wants the run, which
   events are still to be counted: should nobody come to count them. */
static void
enter_file(EngineObject *engine, first_run *run)
{
    const TracerObject *tracer = NULL;
    for (size_t i = 0; i < engine->sessions_len && tracer == NULL; i++) {
        if (engine->sessions[i]->kept == engine->registry.kept) {
            tracer = engine->sessions[i];
        }
    }
    if (engine->registry.kept == NULL || tracer == NULL ||
        !session_wants(tracer, run->file) ||
        (run->there.table != NULL && !firstrun_read_table(run))) {
        return;
    }
    const xt_route_steps *steps = firstrun_events(run, &engine->firsts.steps);
    if (steps != NULL && run->done < steps->len) {
        keptrun_put(&run->kept, engine->registry.kept, run->name,
                    steps->items + run->done, steps->len - run->done,
                    run->ended);
    }
}

void
firstruns_enter_file(EngineObject *engine)
{
    first_run *run = engine->firsts.runs.first;
    for (; run != NULL; run = run->next) {
        enter_file(engine, run);
    }
}

void
firstruns_leave_file(EngineObject *engine)
{
    first_run *run = engine->firsts.runs.first;
    for (; run != NULL; run = run->next) {
        keptrun_leave(&run->kept, 0);
        run->kept = (kept_run){0};
    }
}

/* --- Runs ---------------------------------------------------------------- */

static void
remove_run(EngineObject *engine, first_run *run)
{
    first_runs *runs = &engine->firsts;
    keptrun_leave(&run->kept, 0);
    if (xt_ptrmap_get(&runs->started, run->code) == run) {
        (void)xt_ptrmap_set(&runs->started, run->code,
                            mark_of(engine, run->listens));
    }
    if (run->frame != NULL) {
        xt_ptrmap_remove(&runs->by_frame, run->frame);
    }
    take_out(list_of(runs, run), run);
    firstrun_free(run);
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

/* Counts what is left of a frame that has ended. */
static int
end_run(EngineObject *engine, first_run *run)
{
    if (firstcount_run(engine, run) < 0) {
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
    return COMPAT_MINOR >= 13 && run->alone &&
           unit < (Py_ssize_t)run->there.start;
}

/* --- Starting ------------------------------------------------------------ */

/* On 3.12, which line its caller is told of again depends on whether the call
   was specialised; to get other code while it is called undoes that. */
static bool
is_function_of_312(PyCodeObject *code)
{
    return COMPAT_MINOR < 13 && !sweep_is_body(code);
}

/* Whether the code may be fit at all. With branches, calls are counted by
   probes. */
static bool
may_be_fit(EngineObject *engine, PyCodeObject *code)
{
    return !engine->branches && !is_function_of_312(code) &&
           PyUnicode_CheckExact(code->co_filename) &&
           registry_get(&engine->registry, code) == NULL;
}

/* Whether frames of a body, or of a function, may be followed now. */
static bool
may_follow(const EngineObject *engine, bool is_body)
{
    return !engine->onlookers.active &&
           (is_body || engine->registry.kept == NULL);
}

/* Of a larger function, too few end as soon as it would have to. */
static bool
is_small(const xt_code_view *view)
{
    enum { UNITS_MAX = 128 };
    return view->code_len / 2 <= UNITS_MAX;
}

/* Whether the code is fit, and then in *start the code unit behind RESUME and,
   if it forks, in *route and firsts.segments how a frame begins; route->len is
   0 if it does not. A function with branches alone is likely to run again, and
   then to follow its frame was in vain; with loops, some of its frames are
   followed, but not in a journal. While there are other tools, a frame cannot
   move, and where it stands does not tell what a callback has stopped. 1, 0,
   or -1 with an exception. */
static int
is_fit(EngineObject *engine, PyCodeObject *code, uint32_t *start,
       xt_route *route)
{
    first_runs *runs = &engine->firsts;
    const xt_code_view view = probed_view(code, frame_code_start(code));
    route->len = 0;
    if (!may_be_fit(engine, code)) {
        return 0;
    }
    if (!xt_straight_is(&view, start)) {
        bool is_body = sweep_is_body(code);
        bool follows =
            may_follow(engine, is_body) && (is_body || is_small(&view));
        xt_status status = follows ? xt_segments_read(&runs->segments, &view,
                                                      XT_TOLD_BY_EVENTS)
                                   : XT_UNSUPPORTED;
        if (status == XT_NOMEM) {
            PyErr_NoMemory();
            return -1;
        }
        if (status != XT_OK || !(is_body || runs->segments.loops)) {
            return 0;
        }
        *route = xt_route_begin(&runs->segments);
        *start = runs->segments.items[route->first].unit;
    }
    int sees = registry_sees_instructions(&engine->registry, code);
    return sees < 0 ? -1 : !sees;
}

/* Has events tell what becomes of frames of the code. */
static int
listen(const EngineObject *engine, const first_run *run)
{
    if (!run->listens) {
        return 0;
    }
    bool is_body = sweep_is_body(run->code);
    long events = (run->route != NULL ? engine->side_events : 0) |
                  (is_body ? 0 : engine->return_event);
    int result = monitoring_switch_code(engine->monitoring, engine->tool,
                                        run->code, events);
    if (result == 0 && run->route != NULL && !is_body) {
        xt_recall_restart(frame_code_start(run->code),
                          (size_t)Py_SIZE(run->code),
                          xt_opcodes_for(COMPAT_MINOR));
    }
    return result;
}

/* Notes a run that is fit. */
static int
note_run(EngineObject *engine, first_run *run)
{
    first_runs *runs = &engine->firsts;
    if (xt_ptrmap_set(&runs->started, run->code, run) != XT_OK) {
        firstrun_free(run);
        PyErr_NoMemory();
        return -1;
    }
    if (add_run(runs, run) < 0) {
        (void)firstruns_note_start(engine, run->code);
        firstrun_free(run);
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
    uint32_t start;
    xt_route route;
    int fit = is_fit(engine, code, &start, &route);
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
    first_run *run = firstrun_new(frame, code, file, start);
    if (run == NULL) {
        return -1;
    }
    run->alone = !engine->onlookers.active;
    if (route.len == 0) {
        run->there.table = Py_NewRef(code->co_linetable);
    }
    else if (firstrun_follow(run, &engine->firsts.segments, &route)) {
        run->listens = true;
    }
    else {
        firstrun_free(run);
        PyErr_NoMemory();
        return -1;
    }
    return note_run(engine, run);
}

/* --- Starting again ------------------------------------------------------ */

bool
firstruns_knows(const EngineObject *engine, PyCodeObject *code)
{
    const first_run *run =
        run_of(engine, xt_ptrmap_get(&engine->firsts.started, code));
    return run != NULL && firstrun_may_repeat(run);
}

bool
firstruns_follows(const EngineObject *engine, const frame_head *frame,
                  PyCodeObject *code)
{
    return find_run(engine, frame, code) != NULL;
}

int
firstruns_again(EngineObject *engine, const frame_head *frame,
                PyCodeObject *code)
{
    first_runs *runs = &engine->firsts;
    first_run *run = run_of(engine, xt_ptrmap_get(&runs->started, code));
    if (run == NULL || run->frame != NULL ||
        xt_ptrmap_get(&runs->by_frame, frame) != NULL) {
        return 0;
    }
    if (!firstrun_is_worth_another(run) || !may_follow(engine, false) ||
        !sweep_may_forget(engine) ||
        !adopt_is_at_home(engine, frame, run->file)) {
        return end_run(engine, run);
    }
    if (xt_ptrmap_set(&runs->by_frame, frame, run) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    set_waiting(runs, run, false);
    firstrun_begin_again(run, frame);
    return 1;
}

bool
firstruns_go_round(const EngineObject *engine, PyCodeObject *code)
{
    const first_run *run =
        run_of(engine, xt_ptrmap_get(&engine->firsts.started, code));
    return engine->branches || COMPAT_MINOR < 13 ||
           !sweep_may_forget(engine) ||
           (run != NULL && firstrun_goes_round(run));
}

/* The frame has ended. If another one may be followed, what this one had is
   counted later. */
static int
leave_run(EngineObject *engine, first_run *run)
{
    if (!firstrun_may_repeat(run) || engine->registry.kept != NULL ||
        registry_get(&engine->registry, run->code) != NULL) {
        return end_run(engine, run);
    }
    if (!firstrun_note_way(run) && firstcount_run(engine, run) < 0) {
        return -1;
    }
    xt_ptrmap_remove(&engine->firsts.by_frame, run->frame);
    run->frame = NULL;
    set_waiting(&engine->firsts, run, !run->is_hit);
    return 0;
}

int
firstruns_replace(EngineObject *engine, const frame_head *frame)
{
    first_run *run = xt_ptrmap_get(&engine->firsts.by_frame, frame);
    return run == NULL ? 0 : end_run(engine, run);
}

/* --- Following ------------------------------------------------------------
 */

/* Has the run go the way that has been found. */
static void
go_on(EngineObject *engine, first_run *run)
{
    keptrun_leave(&run->kept, 0);
    firstrun_go_on(run);
    enter_file(engine, run);
}

int
firstruns_branched(EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code, uint32_t from, uint32_t to)
{
    first_run *run = find_run(engine, frame, code);
    if (run == NULL || run->route == NULL) {
        return 0;
    }
    xt_route next = *run->route;
    if (!xt_route_turn(&next, from, to)) {
        return 0; /* the way to there is not over */
    }
    bool noted = engine->registry.kept == NULL && firstrun_note_way(run);
    int result = noted ? 0 : firstcount_run(engine, run);
    *run->route = next;
    run->turns++;
    go_on(engine, run);
    if (result < 0 || run->cost <= run->most) {
        return result;
    }
    return firstcount_ways(engine, run) < 0 ? -1 : 1;
}

bool
firstruns_has_turned(const EngineObject *engine, const frame_head *frame,
                     PyCodeObject *code, bool *taken)
{
    const first_run *run = find_run(engine, frame, code);
    return run != NULL && run->route != NULL &&
           xt_route_has_turned(run->route, taken);
}

void
firstruns_forget(EngineObject *engine, const frame_head *frame)
{
    first_run *run = xt_ptrmap_get(&engine->firsts.by_frame, frame);
    if (run != NULL) {
        remove_run(engine, run);
    }
}

int
firstruns_handled(EngineObject *engine, const frame_head *frame,
                  PyCodeObject *code, Py_ssize_t handler)
{
    first_run *run = find_run(engine, frame, code);
    if (run == NULL || run->route == NULL) {
        return 0;
    }
    Py_ssize_t stands = frame_offset(frame, code);
    firstrun_note_place(run, stands);
    int result = firstcount_run(engine, run);
    if (xt_route_handle(run->route, (uint32_t)stands, (uint32_t)handler)) {
        go_on(engine, run);
    }
    return result;
}

/* --- Ending -------------------------------------------------------------- */

int
firstruns_returned(EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code)
{
    first_run *run = find_run(engine, frame, code);
    return run == NULL ? 0 : leave_run(engine, run);
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
        firstrun_note_place(run, unit);
    }
    return leave_run(engine, run);
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

void
firstruns_found(EngineObject *engine, const frame_head *frame,
                PyCodeObject *code, Py_ssize_t unit)
{
    first_run *run = find_run(engine, frame, code);
    if (run != NULL && !is_another(run, unit)) {
        firstrun_note_place(run, unit);
        run->lives = true;
    }
}

static int
note_where(void *engine, const frame_head *frame, PyCodeObject *code,
           Py_ssize_t unit)
{
    firstruns_found(engine, frame, code, unit);
    return 0;
}

/* What the frame has not come to by now may take long. */
static void
note_lives(first_run *run)
{
    run->lives = false;
    run->ended = false;
    run->until = SIZE_MAX;
    run->there.to = XT_NONE;
    keptrun_lives(&run->kept);
}

void
firstruns_forget_found(EngineObject *engine)
{
    first_run *run = engine->firsts.runs.first;
    for (; run != NULL; run = run->next) {
        if (run->lives) {
            note_lives(run);
        }
    }
}

int
firstruns_progress(EngineObject *engine)
{
    /* To find suspended greenlets takes long. */
    return engine->firsts.runs.first == NULL || live_has_greenlets()
               ? 0
               : firstruns_settle(engine);
}

int
firstruns_settle(EngineObject *engine)
{
    if (engine->firsts.runs.first == NULL) {
        return 0;
    }
    (void)live_visit(note_where, engine);
    return firstruns_count_found(engine);
}

int
firstruns_count_found(EngineObject *engine)
{
    first_runs *runs = &engine->firsts;
    int result = 0;
    first_run *next;
    for (first_run *run = runs->runs.first; run != NULL; run = next) {
        next = run->next;
        if (result == 0) {
            result = firstcount_run(engine, run);
        }
        if (run->lives) {
            note_lives(run);
        }
        else if (run->frame == NULL) {
            set_waiting(runs, run, !run->is_hit);
        }
        else if (result == 0) {
            remove_run(engine, run);
        }
    }
    return result;
}

void
firstruns_abandon(EngineObject *engine)
{
    if (engine->firsts.runs.first == NULL) {
        return;
    }
    (void)live_visit_others(note_where, engine);
    first_run *run = engine->firsts.runs.first;
    for (; run != NULL; run = run->next) {
        run->lives = false; /* it stays where it stands */
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
