// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include "dictwatch.h"
#include "engine.h"
#include "module.h"
#include "monitor.h"
#include "newthreads.h"
#include "printengine.h"
#include "printing.h"
#include "settrace.h"

static int
plan_functions(TracerObject *self, const char *name, long mode)
{
    PyObject *me = (PyObject *)self;
    function_table *table = &self->functions;
    PyObject *file = functions_flush(table) < 0
                         ? NULL
                         : PyObject_GetAttrString(me, "_own_file");
    if (file == NULL) {
        return -1;
    }
    functions_clear(table);
    functions_set(table, &table->root,
                  Py_BuildValue("(Nss)", file, "trace", name));
    const struct {
        PyObject **field;
        const char *attribute;
        long modes;
    } parts[] = {
        {&table->modname, "_modname", TRACER_ANY_CALLS},
        {&table->calledfuncs, "_calledfuncs", TRACER_FUNCTIONS},
        {&table->callers, "_callers", TRACER_CALLERS},
        {&table->calls, "calls", TRACER_CALLS},
        {&table->call_graph, "call_graph", TRACER_CALLS},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if ((parts[i].modes & mode) == 0) {
            continue;
        }
        PyObject *value = table->root == NULL
                              ? NULL
                              : PyObject_GetAttrString(me, parts[i].attribute);
        if (value == NULL) {
            functions_clear(table);
            return -1;
        }
        functions_set(table, parts[i].field, value);
    }
    return 0;
}

static int
plan_lines(TracerObject *self)
{
    PyObject *start = PyObject_GetAttrString((PyObject *)self, "start_time");
    if (start == NULL) {
        return -1;
    }
    module_state *state = module_state_of(Py_TYPE(self));
    if (state != NULL && state->watcher < 0) {
        state->watcher = dictwatch_begin();
    }
    int result =
        state == NULL ? -1 : linelog_init(&self->log, start, state->watcher);
    Py_DECREF(start);
    return result;
}

/* The caller is in the section. */
static int
plan(TracerObject *self, const char *name)
{
    PyObject *wanted = PyObject_CallMethod((PyObject *)self, "_plan", NULL);
    if (wanted == NULL) {
        return -1;
    }
    long mode = wanted == Py_None ? 0 : PyLong_AsLong(wanted);
    Py_DECREF(wanted);
    if (mode == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (mode == 0) {
        self->mode = 0;
        return 0;
    }
    if (self->runs > 0 && (long)self->mode == mode) {
        return 1;
    }
    PyDict_Clear(self->judged);
#ifdef Py_GIL_DISABLED
    self->plan++;
#endif
    if (mode & TRACER_ANY_CALLS && plan_functions(self, name, mode) < 0) {
        return -1;
    }
    if (mode & TRACER_LINES && plan_lines(self) < 0) {
        return -1;
    }
    self->mode = (unsigned)mode;
    return 1;
}

int
run_plan(TracerObject *self, const char *name)
{
    sync_enter(&self->section);
    int result = plan(self, name);
    sync_leave(&self->section);
    return result;
}

PyObject *
run_handle(TracerObject *self)
{
    return PyObject_GetAttrString((PyObject *)self, "_event");
}

/* The same for new threads: the bound method `_thread_event`. */
static PyObject *
thread_handle(TracerObject *self)
{
    return PyObject_GetAttrString((PyObject *)self, "_thread_event");
}

/* What traced this thread and new threads before us; it comes back. */
typedef struct {
    Py_tracefunc func;
    PyObject *object;     /* owned, or NULL */
    PyObject *hook;       /* owned: threading's trace function, or NULL */
    PyFrameObject *outer; /* owned: what started the run around ours */
} previous_trace;

static PyObject *
call_threading(const char *function, PyObject *argument)
{
    PyObject *threading = PyImport_ImportModule("threading");
    if (threading == NULL) {
        return NULL;
    }
    PyObject *result =
        argument == NULL
            ? PyObject_CallMethod(threading, function, NULL)
            : PyObject_CallMethod(threading, function, "O", argument);
    Py_DECREF(threading);
    return result;
}

static int
settrace_python(PyObject *function)
{
    PyObject *settrace = PySys_GetObject("settrace");
    if (settrace == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.settrace");
        return -1;
    }
    PyObject *done = PyObject_CallOneArg(settrace, function);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Calls are counted beside a trace function in Python, if events can be had.
 */
static int
switch_hooks_on(TracerObject *self, PyObject *function)
{
    int counts = monitor_begin(self);
    if (counts == 0 &&
        PyErr_WarnEx(PyExc_RuntimeWarning,
                     "exactrace: no calls are counted: where hooks of Trace "
                     "are overridden, that needs sys.monitoring, and a tool "
                     "id of it that is free",
                     1) < 0) {
        /* Warnings are errors here; but this is none of the program's. */
        PyErr_WriteUnraisable((PyObject *)self);
    }
    return counts < 0 ? -1 : settrace_python(function);
}

bool
run_needs_trace(const TracerObject *self)
{
    return self->mode == 0 ||
           (self->mode & TRACER_ANY_LINES && self->engine == NULL &&
            self->printer == NULL) ||
           (self->mode & TRACER_ANY_CALLS && self->tool < 0);
}

/* Switches on what this thread still needs: a trace function, or the slow path
   when there is no mode. */
static int
switch_on(TracerObject *self, PyObject *function)
{
    if (self->mode == 0) {
        return settrace_python(function);
    }
    if (self->mode & TRACER_HOOKS) {
        return switch_hooks_on(self, function);
    }
    if ((self->mode & TRACER_ANY_CALLS || settrace_has_newcomers(self)) &&
        monitor_begin(self) < 0) {
        return -1;
    }
    return run_needs_trace(self) ? settrace_install(self, function) : 0;
}

static void
report_trouble(TracerObject *self)
{
    PyObject *trouble = session_take_trouble(self);
    if (trouble == NULL) {
        return;
    }
    if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                         "exactrace could not record everything: %R",
                         trouble) < 0) {
        /* Warnings are errors here; but this is none of the program's. */
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_DECREF(trouble);
}

/* Stops tracing this thread, whether or not an exception is set. */
static void
leave_thread(TracerObject *self, previous_trace *previous)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    bool by_events = self->engine != NULL || self->printer != NULL;
    if (!by_events || run_needs_trace(self)) {
        PyEval_SetTrace(previous->func, previous->object);
    }
    Py_CLEAR(previous->object);
    settrace_left(self);
    Py_XDECREF(functions_swap_outer(&self->functions, previous->outer));
    previous->outer = NULL;
    PyErr_Restore(type, value, traceback);
}

/* Whether a trace function of threading is the `_thread_event` of a tracer. */
static bool
is_event(PyObject *hook, PyObject *event)
{
    return PyCFunction_Check(hook) && PyCFunction_Check(event) &&
           PyCFunction_GET_FUNCTION(hook) == PyCFunction_GET_FUNCTION(event);
}

/* Gives new threads back to whoever traced them before us; unless somebody
   else has taken them since, or that was a tracer whose runs have ended. */
static int
restore_hook(TracerObject *self, PyObject *hook)
{
    PyObject *event = thread_handle(self);
    PyObject *current =
        event == NULL ? NULL : call_threading("gettrace", NULL);
    int result = current == NULL ? -1 : 0;
    bool foreign = result == 0 && is_event(current, event) &&
                   PyCFunction_GET_SELF(current) != (PyObject *)self;
    if (result == 0 && !foreign) {
        bool ended = is_event(hook, event) &&
                     ((TracerObject *)PyCFunction_GET_SELF(hook))->runs == 0;
        PyObject *set = call_threading("settrace", ended ? Py_None : hook);
        result = set == NULL ? -1 : 0;
        Py_XDECREF(set);
    }
    Py_XDECREF(current);
    Py_XDECREF(event);
    return result;
}

/* Stops tracing new threads, and brings in the results. An exception that is
   set stays; otherwise -1 with one of our own. */
static int
end(TracerObject *self, previous_trace *previous)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    sync_enter(&self->section);
    self->runs--;
    int result = functions_flush(&self->functions);
    if (result < 0) {
        result = session_keep_trouble(self);
    }
    if (self->runs == 0) {
        monitor_end(self);
        printengine_end(self);
        if (self->engine != NULL) {
            engine_end(self->engine, self);
        }
    }
    if (previous->hook != NULL && restore_hook(self, previous->hook) < 0) {
        result = session_keep_trouble(self);
    }
    Py_CLEAR(previous->hook);
    if (result == 0 && self->runs == 0 && printing_end(self) < 0) {
        result = session_keep_trouble(self);
    }
    /* Who has the dict sees the hits in it now; else whoever asks for it. */
    bool is_seen = Py_REFCNT(self->counts) > 1 || !COMPAT_HAS_GIL;
    if (result == 0 && is_seen) {
        result = session_flush(self);
    }
    sync_leave(&self->section);
    if (result == 0) {
        report_trouble(self);
    }
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return result;
}

/* Has lines counted or printed without a trace function: 1 when on, 0 when the
   mode does not allow it or the interpreter cannot, -1 with an exception. */
static int
switch_engine_on(TracerObject *self)
{
    if ((self->mode & (TRACER_PROBE | TRACER_EVENT)) == 0) {
        return 0;
    }
    if (self->mode & TRACER_LINES) {
        return printengine_begin(self);
    }
    module_state *state = module_state_of(Py_TYPE(self));
    return state == NULL ? -1
                         : engine_begin((EngineObject *)state->engine, self);
}

/* Has new threads traced by us: in Python by `function`, if that is a hook. -1
   with an exception. */
static int
take_new_threads(TracerObject *self, previous_trace *previous,
                 PyObject *function)
{
    PyObject *hook = PyCFunction_Check(function) ? thread_handle(self)
                                                 : Py_NewRef(function);
    PyObject *set = NULL;
    if (hook != NULL && newthreads_watch(hook) == 0) {
        previous->hook = call_threading("gettrace", NULL);
        set = previous->hook == NULL ? NULL : call_threading("settrace", hook);
    }
    Py_XDECREF(hook);
    if (set == NULL) {
        Py_CLEAR(previous->hook);
        return -1;
    }
    Py_DECREF(set);
    return 0;
}

/* New threads are taken before anything is traced: that runs Python code. It
   is not needed where the engine, which sees all threads, does all. */
static int
switch_everything_on(TracerObject *self, previous_trace *previous,
                     PyObject *function)
{
    bool by_thread = (self->mode & TRACER_ANY_CALLS) != 0;
    if (by_thread && take_new_threads(self, previous, function) < 0) {
        return -1;
    }
    int on = switch_engine_on(self);
    if (on < 0 || (on > 0 && !by_thread)) {
        return on;
    }
    if (!by_thread && take_new_threads(self, previous, function) < 0) {
        return -1;
    }
    return switch_on(self, function);
}

/* Whether what other threads are in the midst of is counted, whatever counts:
   unless that is to be the trace function, as in the standard module. */
static bool
counts_running_threads(const TracerObject *self)
{
    return self->mode & TRACER_COUNT &&
           (self->mode & (TRACER_PROBE | TRACER_EVENT)) != 0;
}

/* Has threads traced that run already, where that is to be: when start() has
   begun the run, with options of printing, or when they are only counted. */
static int
take_running_threads(TracerObject *self, PyObject *handle, bool by_start)
{
    bool prints =
        self->mode & TRACER_LINES && (by_start || self->printing != NULL);
    if (self->runs > 1 || self->mode & TRACER_HOOKS ||
        !(prints || counts_running_threads(self))) {
        return 0;
    }
    return self->engine != NULL    ? engine_take_threads(self->engine)
           : self->printer != NULL ? printengine_take_threads(self)
                                   : settrace_take_threads(self, handle);
}

/* The caller is in the section. */
static int
begin_inside(TracerObject *self, previous_trace *previous, const char *name)
{
    int fast = run_plan(self, name);
    if (fast < 0) {
        return -1;
    }
    bool hooks = !fast || (self->mode & TRACER_HOOKS) != 0;
    PyObject *function =
        !hooks ? run_handle(self)
               : PyObject_GetAttrString((PyObject *)self, "globaltrace");
    if (function == NULL) {
        return -1;
    }
    PyThreadState *thread = PyThreadState_Get();
    previous->func = thread->c_tracefunc;
    previous->object = Py_XNewRef(thread->c_traceobj);
    previous->outer = functions_swap_outer(
        &self->functions, (PyFrameObject *)Py_XNewRef(PyEval_GetFrame()));
    if (self->runs == 0) {
#ifdef Py_GIL_DISABLED
        self->begun++;
#endif
        self->needs_no_trace = false; /* for all that is known yet */
    }
    self->runs++;
    int result = printing_begin(self);
    if (result == 0) {
        result = switch_everything_on(self, previous, function);
    }
    if (result >= 0) {
        self->needs_no_trace = !run_needs_trace(self);
        result = take_running_threads(self, function, false);
    }
    if (result < 0) {
        leave_thread(self, previous);
        (void)end(self, previous);
        Py_CLEAR(previous->hook);
    }
    Py_DECREF(function);
    return result < 0 ? -1 : 0;
}

/* Starts to trace this thread and those that it starts. -1 with an exception,
   and then everything is as it was. */
static int
begin(TracerObject *self, previous_trace *previous, const char *name)
{
    *previous = (previous_trace){0};
    sync_enter(&self->section);
    int result = begin_inside(self, previous, name);
    sync_leave(&self->section);
    return result;
}

/* Whether this tracer has nothing to do: -1 with an exception. */
static int
does_nothing(TracerObject *self)
{
    PyObject *flag = PyObject_GetAttrString((PyObject *)self, "donothing");
    if (flag == NULL) {
        return -1;
    }
    int result = PyObject_IsTrue(flag);
    Py_DECREF(flag);
    return result;
}

PyObject *
run_call(TracerObject *self, const char *name, PyObject *func,
         PyObject *const *args, size_t nargs, PyObject *kwnames)
{
    int idle = does_nothing(self);
    if (idle < 0) {
        return NULL;
    }
    if (idle) {
        return PyObject_Vectorcall(func, args, nargs, kwnames);
    }
    previous_trace previous;
    if (begin(self, &previous, name) < 0) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(func, args, nargs, kwnames);
    leave_thread(self, &previous);
    printing_show_last(self);
    if (end(self, &previous) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

PyObject *
run_program(TracerObject *self, PyObject *func, PyObject *const *args,
            size_t nargs)
{
    if (self->runs_program) {
        PyErr_SetString(PyExc_RuntimeError, "a program is running already");
        return NULL;
    }
    previous_trace previous;
    if (begin(self, &previous, "Trace.runctx") < 0) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(func, args, nargs, NULL);
    leave_thread(self, &previous);
    printing_show_last(self);
    monitor_leave_thread(self);
    printengine_leave_thread(self);
    if (self->engine != NULL) {
        engine_leave_thread(self->engine, self);
    }
    self->runs_program = true;
    self->program_hook = previous.hook;
    return result;
}

int
run_end_program(TracerObject *self)
{
    if (!self->runs_program) {
        return 0;
    }
    self->runs_program = false;
    previous_trace previous = {.hook = self->program_hook};
    self->program_hook = NULL;
    return end(self, &previous);
}

/* --- Start and stop ------------------------------------------------------ */

struct run_start {
    previous_trace previous;
    uint64_t thread; /* the id of the one that has started it */
    bool idle;       /* there is nothing to do */
};

/* Has the frames that run now traced as well, and the threads that do; with
   options of printing those were taken before. */
static int
take_running_frames(TracerObject *self)
{
    if (self->mode == 0) {
        return 0;
    }
    if (self->engine != NULL) {
        return engine_take_frames(self->engine);
    }
    if (self->printer != NULL) {
        return printengine_take_frames(self);
    }
    PyObject *handle = run_handle(self);
    int result = handle == NULL ? -1 : settrace_take_frames(self);
    if (result == 0 && self->printing == NULL &&
        !counts_running_threads(self)) {
        result = take_running_threads(self, handle, true);
    }
    Py_XDECREF(handle);
    return result;
}

static int
start_inside(TracerObject *self)
{
    if (self->started != NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this tracer was started already: stop it first");
        return -1;
    }
    int idle = does_nothing(self);
    struct run_start *started =
        idle < 0 ? NULL : PyMem_Malloc(sizeof(*started));
    if (started == NULL) {
        if (idle >= 0) {
            PyErr_NoMemory();
        }
        return -1;
    }
    *started = (struct run_start){
        .thread = PyThreadState_GetID(PyThreadState_Get()),
        .idle = idle != 0,
    };
    /* A process that waits until it has begun runs a program, as a first one
       does. */
    const char *name = self->awaited != NULL ? "Trace.runctx" : "start";
    if (!started->idle && begin(self, &started->previous, name) < 0) {
        PyMem_Free(started);
        return -1;
    }
    self->started = started;
    if (!started->idle && take_running_frames(self) < 0) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        if (run_stop(self) < 0) {
            PyErr_Clear();
        }
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    return 0;
}

int
run_start(TracerObject *self)
{
    sync_enter(&self->section);
    int result = start_inside(self);
    sync_leave(&self->section);
    return result;
}

/* Takes what run_start() began, to end it; NULL with an exception. */
static struct run_start *
take_start(TracerObject *self)
{
    struct run_start *started = self->started;
    if (started == NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this tracer was not started, or stopped already");
        return NULL;
    }
    if (!started->idle && self->engine == NULL && self->printer == NULL &&
        started->thread != PyThreadState_GetID(PyThreadState_Get())) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a trace function can only be stopped in the thread "
                        "that has started it");
        return NULL;
    }
    self->started = NULL;
    return started;
}

int
run_stop(TracerObject *self)
{
    sync_enter(&self->section);
    struct run_start *started = take_start(self);
    sync_leave(&self->section);
    if (started == NULL) {
        return -1;
    }
    int result = 0;
    if (!started->idle) {
        leave_thread(self, &started->previous);
        result = end(self, &started->previous);
    }
    PyMem_Free(started);
    return result;
}

void
run_forget(TracerObject *self)
{
    struct run_start *started = self->started;
    self->started = NULL;
    if (started != NULL) {
        Py_XDECREF(started->previous.object);
        Py_XDECREF(started->previous.hook);
        Py_XDECREF(started->previous.outer);
        PyMem_Free(started);
    }
}
