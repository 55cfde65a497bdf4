// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include "adopt.h"
#include "codewatch.h"
#include "events.h"
#include "exceptions.h"
#include "forked.h"
#include "gather.h"
#include "harvest.h"
#include "keptcode.h"
#include "linejumps.h"
#include "mem.h"
#include "monitoring.h"
#include "otherframes.h"

static const monitoring_row ROWS[] = {
    {"PY_START", "_started"},
    {"PY_RESUME", "_resumed"},
    {"EXCEPTION_HANDLED", "_handled"},
    {"PY_UNWIND", "_unwound"},
    {"PY_THROW", "_thrown"},
    {"LINE", "_line"},
    {"JUMP", "_jumped"},
#if COMPAT_MINOR >= 14
    {"BRANCH_LEFT", "_branched"},
    {"BRANCH_RIGHT", "_branched"},
#else
    {"BRANCH", "_branched"},
#endif
    {"INSTRUCTION", "_stepped"},
    {"PY_RETURN", "_returned"},
};
enum {
    ROWS_LEN = sizeof(ROWS) / sizeof(*ROWS),
    ROWS_GLOBAL = 5, /* the first are on for all code, */
    ROWS_LINE = 5,   /* those from here on for code counted by events, */
    ROWS_SIDE = 7,   /* these with branches, and for bodies that fork, */
    ROWS_STEP = ROWS_LEN - 2, /* this in few code objects, */
    ROWS_END = ROWS_LEN - 1,  /* and this where a function runs first */
};

int
engine_keep_trouble(EngineObject *self)
{
    if (self->sessions_len == 0) {
        PyErr_Clear();
        return 0;
    }
    return session_keep_trouble(self->sessions[0]);
}

traced_file **
engine_files(EngineObject *self, PyObject *file, PyObject *name)
{
    size_t len;
    uint64_t asked;
    do {
        len = self->sessions_len;
        asked = ++self->files_asked;
        traced_file **files =
            xt_renew(self->files, &self->files_cap, len, sizeof(*files));
        if (files == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        self->files = files;
        for (size_t i = 0; i < len; i++) {
            TracerObject *tracer = self->sessions[i];
            bool wanted = session_wants(tracer, file);
            /* Other names may be more than strings: to compare them may run
               code of the program, and that may bring us here again. */
            traced_file *found =
                wanted ? files_get(&tracer->files, name) : NULL;
            if (wanted && found == NULL) {
                return NULL;
            }
            if (self->files_asked != asked || self->sessions_len != len) {
                break;
            }
            files[i] = found;
        }
    } while (self->files_asked != asked || self->sessions_len != len);
    return self->files;
}

/* --- Start and stop ------------------------------------------------------ */

static int
add_session(EngineObject *self, TracerObject *tracer)
{
    TracerObject **sessions =
        xt_grow(self->sessions, &self->sessions_cap, self->sessions_len + 1,
                sizeof(TracerObject *));
    if (sessions == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->sessions = sessions;
    sessions[self->sessions_len++] = tracer;
    return 0;
}

static void
remove_session(EngineObject *self, TracerObject *tracer)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->sessions_len; i++) {
        if (self->sessions[i] != tracer) {
            self->sessions[kept++] = self->sessions[i];
        }
    }
    self->sessions_len = kept;
}

/* Whether machine code may run instead of bytecode. */
static bool
has_jit(void)
{
    PyObject *jit = PySys_GetObject("_jit");
    PyObject *enabled =
        jit == NULL ? NULL : PyObject_CallMethod(jit, "is_enabled", NULL);
    bool compiles = enabled == Py_True;
    Py_XDECREF(enabled);
    PyErr_Clear();
    return compiles;
}

static int
switch_on(EngineObject *self)
{
    PyObject *monitoring = self->monitoring;
    int tool = monitoring_take_tool(monitoring);
    if (tool < 0) {
        return tool == -1 ? 0 : -1;
    }
    self->tool = tool;
    size_t until = self->branches ? ROWS_STEP : ROWS_SIDE;
    long line =
        monitoring_events(monitoring, ROWS + ROWS_LINE, until - ROWS_LINE);
    long global = monitoring_events(monitoring, ROWS, ROWS_GLOBAL);
    long start = monitoring_events(monitoring, ROWS, 1);
    long step = monitoring_events(monitoring, ROWS + ROWS_STEP, 1);
    long side =
        monitoring_events(monitoring, ROWS + ROWS_SIDE, ROWS_STEP - ROWS_SIDE);
    long end = monitoring_events(monitoring, ROWS + ROWS_END, 1);
    if (line < 0 || global < 0 || start < 0 || step < 0 || side < 0 ||
        end < 0 ||
        monitoring_register(monitoring, tool, (PyObject *)self, ROWS,
                            ROWS_LEN) < 0 ||
        monitoring_switch(monitoring, tool, global) < 0) {
        return -1;
    }
    self->line_events = line;
    self->start_event = start;
    self->step_event = step;
    self->side_events = side;
    self->return_event = end;
    return 1;
}

static bool
is_rewritten(PyObject *object, const void *types)
{
    return PyFunction_Check(object) &&
           probed_get(types, (PyCodeObject *)PyFunction_GET_CODE(object)) !=
               NULL;
}

static void
restore(EngineObject *self, PyObject *object)
{
    if (!is_rewritten(object, &self->types)) {
        return;
    }
    ProbedCodeObject *probed =
        probed_get(&self->types, (PyCodeObject *)PyFunction_GET_CODE(object));
    if (adopt_set_code(self, object, probed->original) < 0) {
        PyErr_Clear(); /* an audit hook of the program refuses */
        self->unrestored = true;
    }
}

static void
search_and_restore(EngineObject *self)
{
    gathering all = gather(is_rewritten, &self->types);
    for (size_t i = 0; i < all.len; i++) {
        restore(self, all.items[i]);
    }
    gathering_end(&all);
}

/* Puts the original code back into every function that has rewritten code. */
static void
restore_functions(EngineObject *self)
{
    PyObject *known = holders_end(&self->types.holders);
    for (Py_ssize_t i = 0; known != NULL && i < PyList_GET_SIZE(known); i++) {
        restore(self, PyList_GET_ITEM(known, i));
    }
    if (known != NULL || !registry_is_held(&self->registry)) {
        Py_XDECREF(known);
        return; /* and the search takes long */
    }
    search_and_restore(self);
}

/* Takes our local events off code that goes on to live. */
static void
clear_local_events(EngineObject *self)
{
    for (size_t i = 0; i < self->registry.len; i++) {
        code_entry *entry = self->registry.items[i];
        if (entry->by_events &&
            monitoring_switch_code(self->monitoring, self->tool,
                                   entry->original, 0) < 0) {
            PyErr_Clear();
        }
        bool lives =
            entry->prepared && (entry->weak || Py_REFCNT(entry->code) > 1);
        if (lives && monitoring_switch_code(self->monitoring, self->tool,
                                            entry->code, 0) < 0) {
            PyErr_Clear();
        }
    }
}

static void
switch_off(EngineObject *self)
{
    self->endings++;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    onlookers_end(&self->onlookers);
    disguise_end(&self->disguise);
    registry_restore_consts(&self->registry);
    restore_functions(self);
    if (self->tool >= 0) {
        if (monitoring_holds(self->monitoring, self->tool)) {
            clear_local_events(self);
            firstruns_stop_listening(self);
        }
        monitoring_free_tool(self->monitoring, self->tool, ROWS, ROWS_LEN);
        self->tool = -1;
    }
    self->left_thread = 0;
    announced_fini(&self->announced);
    firstruns_fini(&self->firsts);
    fewcalls_fini(&self->fews);
    codewatch_end(self->watcher);
    self->watcher = -1;
    registry_fini(&self->registry);
    probed_scratch_fini(&self->types.scratch);
    self->on = false;
    PyErr_Restore(type, value, traceback);
}

/* Begins to hide rewritten code from whoever looks. */
static int
begin_hiding(EngineObject *self)
{
    if (disguise_begin(&self->disguise, &self->types, linejumps_set, self) <
        0) {
        return -1;
    }
    return onlookers_begin(&self->onlookers, self);
}

/* Starts the engine, with no session yet, in the mode of a tracer. Returns 1
   when on, 0 when this interpreter cannot, -1 with an exception. */
static int
start(EngineObject *self, unsigned mode)
{
    self->on = true;
    self->probes = (mode & TRACER_PROBE) != 0 &&
                   xt_opcodes_for(COMPAT_MINOR) != NULL && adopt_is_plain() &&
                   !has_jit();
    self->branches = (mode & TRACER_BRANCHES) != 0;
    int on = switch_on(self);
    self->watcher = on > 0 ? codewatch_begin(self) : -1;
    if (on > 0 && self->probes) {
        if (self->unrestored) {
            self->unrestored = false;
            search_and_restore(self);
        }
        holders_begin(&self->types.holders);
        on = begin_hiding(self) < 0 ? -1 : 1;
    }
    return on;
}

/* engine_begin(), in this thread's turn. */
static int
begin(EngineObject *self, TracerObject *tracer)
{
    bool first = self->sessions_len == 0;
    if (!first && (tracer->mode & TRACER_BRANCHES) != 0 && !self->branches) {
        return 0;
    }
    int on = first ? start(self, tracer->mode) : 1;
    /* From here on, no code of the program runs. What other threads have
       started up to now is noted, and events tell of it anew. */
    if (on > 0 && !first) {
        fewcalls_renew(self);
    }
    else if (on > 0 && self->probes) {
        fewcalls_begin(self);
    }
    /* No code may be freed between these two. */
    if (on > 0 && (monitoring_restart(self->monitoring) < 0 ||
                   harvest_skip(self, tracer) < 0)) {
        on = -1;
    }
    if (on > 0 && add_session(self, tracer) < 0) {
        harvest_forget(tracer);
        on = -1;
    }
    if (on > 0) {
        forked_watch(self);
        tracer->engine = (EngineObject *)Py_NewRef(self);
        keptcode_begin(tracer);
    }
    return on;
}

/* Switches off what no session needs (any more), in this thread's turn. */
static void
end_if_idle(EngineObject *self)
{
    if (self->on && self->sessions_len == 0) {
        forked_watch(NULL);
        switch_off(self);
    }
}

int
engine_begin(EngineObject *self, TracerObject *tracer)
{
    if (tracer->engine != NULL) {
        return 1; /* a run within a run of the same tracer */
    }
    if (self->monitoring == NULL || !COMPAT_HAS_GIL ||
        !turns_take(&self->turns)) {
        return tracer->engine != NULL; /* by another run of it, meanwhile */
    }
    end_if_idle(self); /* the last session may have ended while this waited */
    int on = tracer->engine != NULL ? 1 : begin(self, tracer);
    end_if_idle(self);
    turns_give(&self->turns);
    return on;
}

/* Takes a frame, or NULL, and those that have called it. */
static int
take_frames(void *argument, PyFrameObject *top)
{
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(top);
    int result = 0;
    while (frame != NULL && result == 0) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *globals = PyFrame_GetGlobals(frame);
        result = adopt_running((EngineObject *)argument, code, globals);
        Py_DECREF(code);
        Py_DECREF(globals);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    return result;
}

int
engine_take_frames(EngineObject *self)
{
    return take_frames(self, PyEval_GetFrame());
}

int
engine_take_threads(EngineObject *self)
{
    /* What we call meanwhile is not the program's. */
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);
    int result = otherframes_visit(take_frames, self);
    PyThreadState_LeaveTracing(thread);
    return result;
}

void
engine_leave_thread(EngineObject *self, TracerObject *tracer)
{
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState *first =
        PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(thread));
    if (first == thread && PyThreadState_Next(thread) == NULL) {
        engine_end(self, tracer);
    }
    else {
        self->left_thread = PyThreadState_GetID(thread);
    }
}

int
engine_harvest(EngineObject *self, TracerObject *tracer)
{
    return harvest(self, tracer);
}

int
engine_harvest_lines(EngineObject *self, TracerObject *tracer)
{
    return harvest_lines(self, tracer);
}

/* Fills tracer->engines. */
static int
list_engines(EngineObject *self, TracerObject *tracer)
{
    Py_XSETREF(tracer->engines, PyList_New(0));
    int result = tracer->engines == NULL ? -1 : 0;
    for (size_t i = 0; i < self->registry.len && result == 0; i++) {
        const code_entry *entry = self->registry.items[i];
        if (!harvest_wants(tracer, entry)) {
            continue;
        }
        PyCodeObject *code = entry->original;
        PyObject *row = Py_BuildValue("(OiOsz)", code->co_filename,
                                      code->co_firstlineno, code->co_qualname,
                                      entry->code != NULL ? "probe" : "event",
                                      entry->refusal);
        result = row == NULL ? -1 : PyList_Append(tracer->engines, row);
        Py_XDECREF(row);
    }
    return result;
}

void
engine_drop(EngineObject *self, TracerObject *tracer)
{
    if (tracer->kept != NULL) {
        (void)keptcode_end(tracer, tracer->kept);
    }
    harvest_forget(tracer);
    remove_session(self, tracer);
    tracer->engine = NULL;
    /* Else whoever has the turn looks whether it is idle. */
    if (turns_try(&self->turns)) {
        end_if_idle(self);
        turns_give(&self->turns);
    }
    Py_DECREF(self);
}

void
engine_end(EngineObject *self, TracerObject *tracer)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (harvest(self, tracer) < 0 && session_keep_trouble(tracer) < 0) {
        PyErr_WriteUnraisable((PyObject *)tracer);
    }
    if ((tracer->mode & TRACER_DEBUG) != 0 && list_engines(self, tracer) < 0 &&
        session_keep_trouble(tracer) < 0) {
        PyErr_WriteUnraisable((PyObject *)tracer);
    }
    engine_drop(self, tracer);
    PyErr_Restore(type, value, traceback);
}

/* --- The type ------------------------------------------------------------ */

static void
engine_dealloc(EngineObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    announced_fini(&self->announced);
    firstruns_fini(&self->firsts);
    fewcalls_fini(&self->fews);
    registry_fini(&self->registry);
    probed_scratch_fini(&self->types.scratch);
    turns_fini(&self->turns);
    xt_free(self->sessions);
    xt_free(self->files);
    Py_XDECREF(self->monitoring);
    Py_XDECREF(self->disable);
    Py_XDECREF(self->s_code);
    Py_XDECREF(self->types.code);
    Py_XDECREF(self->types.pool.type);
    Py_XDECREF(self->onlookers.type);
    PyObject_Free(self);
    Py_DECREF(type);
}

#define CALLBACK(name, function)                                              \
    {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL}

static PyMethodDef engine_methods[] = {
    CALLBACK("_started", adopt_started),
    CALLBACK("_resumed", adopt_resumed),
    CALLBACK("_handled", exceptions_handled),
    CALLBACK("_unwound", exceptions_unwound),
    CALLBACK("_thrown", exceptions_thrown),
    CALLBACK("_line", events_line),
    CALLBACK("_jumped", events_jumped),
    CALLBACK("_branched", events_branched),
    CALLBACK("_stepped", events_stepped),
    CALLBACK("_returned", events_returned),
    {NULL, NULL, 0, NULL},
};

static PyType_Slot engine_slots[] = {
    {Py_tp_doc, "What counts lines, for all tracers of an interpreter."},
    {Py_tp_dealloc, engine_dealloc},
    {Py_tp_methods, engine_methods},
    {0, NULL},
};

static PyType_Spec engine_spec = {
    .name = "exactrace._native.Engine",
    .basicsize = sizeof(EngineObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = engine_slots,
};

PyObject *
engine_new(PyObject *module)
{
    PyTypeObject *type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &engine_spec, NULL);
    if (type == NULL) {
        return NULL;
    }
    EngineObject *self = PyObject_New(EngineObject, type);
    Py_DECREF(type);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0,
           sizeof(*self) - sizeof(PyObject));
    self->tool = -1;
    self->watcher = -1;
    self->s_code = PyUnicode_InternFromString("__code__");
    self->monitoring = monitoring_get();
    if (self->monitoring != NULL) {
        self->disable = PyObject_GetAttrString(self->monitoring, "DISABLE");
    }
    if (self->s_code == NULL || turns_init(&self->turns) < 0 ||
        probed_types_init(&self->types, module) < 0 ||
        onlookers_init(&self->onlookers, module) < 0 ||
        (self->monitoring != NULL && self->disable == NULL)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}
