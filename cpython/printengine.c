// SPDX-License-Identifier: Apache-2.0
#include "printengine.h"

#include "engine.h"
#include "events.h"
#include "frame.h"
#include "mem.h"
#include "monitoring.h"
#include "otherframes.h"
#include "printing.h"

/* A code object whose lines are printed. */
typedef struct {
    PyCodeObject *code; /* owned */
    PyObject *module;   /* owned: its name, for headers */
    traced_file *file;  /* borrowed from the tracer */
} printed_code;

struct print_engine {
    PyObject *monitoring; /* owned: sys.monitoring */
    PyObject *disable;    /* owned: sys.monitoring.DISABLE */
    int tool;             /* tool id held, or -1 */
    long line_events;     /* bits of what is watched in printed code */
    uint64_t left_thread; /* the id of a thread that is done, or 0 */
    xt_ptrmap codes;      /* code -> owned printed_code */
    printed_code *hot;    /* the last one, borrowed, or NULL */
    size_t most;          /* with more of them, look for dead ones */
};

static const monitoring_row ROWS[] = {
    {"PY_START", "_on_start"},
    {"PY_RESUME", "_on_start"},
    {"PY_THROW", "_on_throw"},
    /* Nothing is printed; but from 3.14 on, a generator that is closed does
       not run for that, unless somebody waits for this. */
    {"PY_UNWIND", NULL},
    {"LINE", "_on_line"},
    {"JUMP", "_on_jump"},
};
enum {
    ROWS_LEN = sizeof(ROWS) / sizeof(*ROWS),
    ROWS_LINE = 4,    /* from here on for printed code alone */
    FIRST_MOST = 1024 /* code objects are kept before any is looked at */
};

/* --- Code ---------------------------------------------------------------- */

static void
printed_free(printed_code *printed)
{
    Py_DECREF(printed->code);
    Py_DECREF(printed->module);
    xt_free(printed);
}

static printed_code *
find(print_engine *engine, PyCodeObject *code)
{
    if (engine->hot == NULL || engine->hot->code != code) {
        printed_code *found = xt_ptrmap_get(&engine->codes, code);
        if (found == NULL) {
            return NULL;
        }
        engine->hot = found;
    }
    return engine->hot;
}

/* Lets go of code that nobody else holds: a program may make any number.
   Freeing code may run the program's (weak references), which may end the run.
 */
static void
drop_dead(print_engine *engine)
{
    xt_ptrmap kept = {0};
    xt_ptrmap dead = {0};
    const xt_ptrmap *all = &engine->codes;
    for (size_t i = 0; i <= all->mask; i++) {
        printed_code *printed = all->entries[i].value;
        if (all->entries[i].key != NULL &&
            xt_ptrmap_set(Py_REFCNT(printed->code) > 1 ? &kept : &dead,
                          printed->code, printed) != XT_OK) {
            xt_ptrmap_fini(&kept); /* short of memory: all stays */
            xt_ptrmap_fini(&dead);
            return;
        }
    }
    xt_ptrmap_fini(&engine->codes);
    engine->codes = kept;
    engine->hot = NULL;
    engine->most = kept.used < FIRST_MOST / 2 ? FIRST_MOST : 2 * kept.used;
    for (size_t i = 0; dead.used > 0 && i <= dead.mask; i++) {
        if (dead.entries[i].key != NULL) {
            printed_free(dead.entries[i].value);
        }
    }
    xt_ptrmap_fini(&dead);
}

/* Has the lines of code printed. NULL with an exception, or because the run
   has ended meanwhile. */
static printed_code *
add(TracerObject *self, PyCodeObject *code, PyObject *module,
    traced_file *file)
{
    if (self->printer->codes.used >= self->printer->most) {
        drop_dead(self->printer);
    }
    print_engine *engine = self->printer;
    if (engine == NULL) {
        return NULL;
    }
    printed_code *printed = xt_malloc(sizeof(*printed));
    if (printed == NULL ||
        xt_ptrmap_set(&engine->codes, code, printed) != XT_OK) {
        xt_free(printed);
        PyErr_NoMemory();
        return NULL;
    }
    *printed = (printed_code){
        .code = (PyCodeObject *)Py_NewRef(code),
        .module = Py_NewRef(module),
        .file = file,
    };
    if (monitoring_switch_code(engine->monitoring, engine->tool, code,
                               engine->line_events) < 0) {
        (void)xt_ptrmap_remove(&engine->codes, code);
        printed_free(printed);
        return NULL;
    }
    return printed;
}

/* Settles what is printed of code with these globals, and sets *printed: NULL
   is nothing; else it is there until code of Python runs. -1 with an
   exception. That code runs here: another thread may end the run meanwhile. */
static int
settle(TracerObject *self, PyCodeObject *code, PyObject *globals,
       printed_code **printed)
{
    *printed = NULL;
    selection *select = &self->printing->select;
    PyObject *module = NULL;
    if (session_judge(self, globals, &module) < 0) {
        return -1;
    }
    if (module == NULL) {
        return 0;
    }
    traced_file *file = files_get(&self->files, code->co_filename);
    if (file == NULL || select_file(select, file) < 0) {
        return -1;
    }
    if (file->choice != CHOICE_ALL) {
        return 0;
    }
    int shown = select_function(select, code);
    if (shown > 0 && select->module != NULL) {
        PyObject *filename = PyDict_GetItemWithError(globals, self->s_file);
        shown = filename == NULL ? (PyErr_Occurred() ? -1 : 0)
                                 : select_module(select, filename, globals);
    }
    if (shown > 0 && self->printer != NULL) {
        *printed = find(self->printer, code);
        if (*printed == NULL) {
            *printed = add(self, code, module, file);
            shown = *printed == NULL && PyErr_Occurred() ? -1 : 1;
        }
    }
    return shown < 0 ? -1 : 0;
}

/* Whether an event of this thread says nothing to us. */
static bool
is_over(const TracerObject *self)
{
    const print_engine *engine = self->printer;
    return engine == NULL || self->log.broken ||
           (engine->left_thread != 0 &&
            engine->left_thread == PyThreadState_GetID(PyThreadState_Get()));
}

/* The globals of the frame that runs, if that runs the code; borrowed. */
static PyObject *
globals_of(PyCodeObject *code)
{
    const frame_head *frame = frame_top(PyThreadState_Get());
    return frame != NULL && frame_code(frame) == code ? frame->globals : NULL;
}

/* --- Events -------------------------------------------------------------- */

static int
put(TracerObject *self, output_kind kind, PyObject *text)
{
    int result = text == NULL ? -1
                              : output_put(&self->printing->out, &self->log,
                                           kind, text, 0);
    Py_XDECREF(text);
    return result;
}

/* A call begins or goes on. Sets *again to whether there is to be an event for
   the next one. -1 with an exception. */
static int
on_call(TracerObject *self, PyCodeObject *code, bool *again)
{
    *again = true;
    /* A function has the same globals each time; other code may not. */
    bool lasting = (code->co_flags & CO_OPTIMIZED) != 0;
    printed_code *printed = lasting ? find(self->printer, code) : NULL;
    if (printed == NULL) {
        PyObject *globals = Py_XNewRef(globals_of(code));
        if (globals == NULL) {
            return 0;
        }
        int result = settle(self, code, globals, &printed);
        Py_DECREF(globals);
        *again = result < 0 || printed != NULL || !lasting;
        if (printed == NULL) {
            return result;
        }
    }
    return put(self, OUTPUT_HEADER,
               linelog_header(&self->log, printed->module, code->co_name));
}

static PyObject *
called(TracerObject *self, PyObject *const *args, Py_ssize_t nargs,
       Py_ssize_t wanted, bool lasts)
{
    if (!engine_is_about_code(args, nargs, wanted) || is_over(self) ||
        session_waits(self)) {
        Py_RETURN_NONE;
    }
    bool again;
    if (on_call(self, (PyCodeObject *)args[0], &again) < 0 &&
        session_keep_log_trouble(self) < 0) {
        return NULL;
    }
    return Py_NewRef(again || !lasts || self->printer == NULL
                         ? Py_None
                         : self->printer->disable);
}

PyObject *
printengine_started(TracerObject *self, PyObject *const *args,
                    Py_ssize_t nargs)
{
    return called(self, args, nargs, 2, true);
}

/* This event cannot be switched off for one place. */
PyObject *
printengine_thrown(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return called(self, args, nargs, 3, false);
}

static PyObject *
put_line(TracerObject *self, PyCodeObject *code, int line)
{
    printed_code *printed = find(self->printer, code);
    if (printed == NULL) {
        Py_RETURN_NONE;
    }
    int result = 0;
    traced_file *file = printed->file;
    PyObject *module = printed->module;
    if ((code->co_flags & CO_OPTIMIZED) == 0) {
        PyObject *globals = globals_of(code);
        module = NULL;
        result = globals == NULL ? 0 : session_judge(self, globals, &module);
    }
    if (result == 0 && module != NULL) {
        result = put(self, OUTPUT_LINE, linelog_text(&self->log, file, line));
    }
    if (result < 0 && session_keep_log_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
printengine_line(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 2) || is_over(self)) {
        Py_RETURN_NONE;
    }
    return put_line(self, (PyCodeObject *)args[0],
                    (int)PyLong_AsLong(args[1]));
}

PyObject *
printengine_jumped(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 3) || is_over(self)) {
        Py_RETURN_NONE;
    }
    int line = events_line_of_jump(args);
    return line < 0 ? Py_NewRef(self->printer->disable)
                    : put_line(self, (PyCodeObject *)args[0], line);
}

/* --- Frames that run already --------------------------------------------- */

/* Settles what is printed of a frame, and puts its header if that is asked
   for. */
static int
take(TracerObject *self, PyFrameObject *frame, bool header)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *globals = PyFrame_GetGlobals(frame);
    printed_code *printed;
    int result = settle(self, code, globals, &printed);
    if (result == 0 && printed != NULL && header) {
        result =
            put(self, OUTPUT_HEADER,
                linelog_header(&self->log, printed->module, code->co_name));
    }
    Py_DECREF(code);
    Py_DECREF(globals);
    return result < 0 ? session_keep_log_trouble(self) : 0;
}

/* The caller comes before what it has called. */
static int
take_all(TracerObject *self, PyFrameObject *top, bool headers)
{
    PyObject *frames = printing_stack(top);
    int result = frames == NULL ? -1 : 0;
    Py_ssize_t at = result == 0 ? PyList_GET_SIZE(frames) : 0;
    while (at > 0 && result == 0) {
        result = take(self, (PyFrameObject *)PyList_GET_ITEM(frames, --at),
                      headers);
    }
    Py_XDECREF(frames);
    return result;
}

static int
take_other(void *argument, PyFrameObject *top)
{
    return take_all((TracerObject *)argument, top, false);
}

/* Takes this thread, or all others; what we call meanwhile is not the
   program's. */
static int
take_quietly(TracerObject *self, bool others)
{
    if (session_waits(self)) {
        return 0;
    }
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);
    int result = others ? otherframes_visit(take_other, self)
                        : take_all(self, PyEval_GetFrame(), true);
    PyThreadState_LeaveTracing(thread);
    return result;
}

int
printengine_take_frames(TracerObject *self)
{
    return take_quietly(self, false);
}

int
printengine_take_threads(TracerObject *self)
{
    return take_quietly(self, true);
}

/* --- Runs ---------------------------------------------------------------- */

/* Whether all that is asked for can be told by events. */
static bool
is_possible(const TracerObject *self)
{
    const printing *print = self->printing;
    return COMPAT_HAS_GIL && print != NULL &&
           self->mode == (TRACER_LINES | TRACER_EVENT) &&
           (print->out.file != NULL || output_keeps_last(&print->out)) &&
           !print->calls && !print->changes && !print->deep &&
           print->select.lines == NULL && print->select.threads == NULL;
}

static int
switch_on(TracerObject *self, print_engine *engine)
{
    PyObject *monitoring = engine->monitoring;
    engine->disable = PyObject_GetAttrString(monitoring, "DISABLE");
    int tool = engine->disable == NULL ? -2 : monitoring_take_tool(monitoring);
    if (tool < 0) {
        return tool == -1 ? 0 : -1;
    }
    engine->tool = tool;
    long calls = monitoring_events(monitoring, ROWS, ROWS_LINE);
    engine->line_events =
        monitoring_events(monitoring, ROWS + ROWS_LINE, ROWS_LEN - ROWS_LINE);
    bool on = calls >= 0 && engine->line_events >= 0 &&
              monitoring_register(monitoring, tool, (PyObject *)self, ROWS,
                                  ROWS_LEN) == 0 &&
              monitoring_switch(monitoring, tool, calls) == 0 &&
              monitoring_restart(monitoring) == 0;
    return on ? 1 : -1;
}

int
printengine_begin(TracerObject *self)
{
    if (self->printer != NULL) {
        self->printer->left_thread = 0;
        return 1;
    }
    PyObject *monitoring = is_possible(self) ? monitoring_get() : NULL;
    if (monitoring == NULL) {
        return 0;
    }
    print_engine *engine = xt_malloc(sizeof(*engine));
    if (engine == NULL) {
        Py_DECREF(monitoring);
        PyErr_NoMemory();
        return -1;
    }
    *engine = (print_engine){
        .monitoring = monitoring,
        .tool = -1,
        .most = FIRST_MOST,
    };
    self->printer = engine;
    int result = switch_on(self, engine);
    if (result <= 0) {
        printengine_end(self);
    }
    return result;
}

void
printengine_leave_thread(TracerObject *self)
{
    if (self->printer != NULL) {
        self->printer->left_thread = PyThreadState_GetID(PyThreadState_Get());
    }
}

void
printengine_end(TracerObject *self)
{
    print_engine *engine = self->printer;
    if (engine == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    self->printer = NULL;
    for (size_t i = 0; engine->codes.used > 0 && i <= engine->codes.mask;
         i++) {
        printed_code *printed = engine->codes.entries[i].value;
        if (engine->codes.entries[i].key != NULL) {
            if (Py_REFCNT(printed->code) > 1 &&
                monitoring_switch_code(engine->monitoring, engine->tool,
                                       printed->code, 0) < 0) {
                PyErr_Clear();
            }
            printed_free(printed);
        }
    }
    xt_ptrmap_fini(&engine->codes);
    if (engine->tool >= 0) {
        monitoring_free_tool(engine->monitoring, engine->tool, ROWS, ROWS_LEN);
    }
    Py_DECREF(engine->monitoring);
    Py_XDECREF(engine->disable);
    xt_free(engine);
    PyErr_Restore(type, value, traceback);
}
