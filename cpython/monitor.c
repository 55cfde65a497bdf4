// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

#include "frame.h"
#include "monitoring.h"
#include "settrace.h"

static const monitoring_row CALLS[] = {
    {"PY_START", "_called"},
    {"PY_RESUME", "_resumed"},
    {"PY_THROW", "_thrown"},
#if COMPAT_MINOR >= 13
    /* While nobody waits for this, close() ends most generators without
       throwing into them (Objects/genobject.c), which is told of as a call. */
    {"PY_UNWIND", NULL},
#endif
};
enum { CALLS_LEN = sizeof(CALLS) / sizeof(*CALLS) };

static int
switch_on(TracerObject *self, PyObject *monitoring)
{
    if (self->disable == NULL) {
        self->disable = PyObject_GetAttrString(monitoring, "DISABLE");
        if (self->disable == NULL) {
            return -1;
        }
    }
    long events = monitoring_events(monitoring, CALLS, CALLS_LEN);
    if (events < 0 ||
        monitoring_register(monitoring, self->tool, (PyObject *)self, CALLS,
                            CALLS_LEN) < 0 ||
        monitoring_switch(monitoring, self->tool, events) < 0) {
        return -1;
    }
    /* What an earlier run with the same tool id has switched off. */
    return monitoring_restart(monitoring);
}

int
monitor_begin(TracerObject *self)
{
    self->left_thread = 0;
    if (self->tool >= 0) {
        return 1;
    }
    PyObject *monitoring = monitoring_get();
    if (monitoring == NULL) {
        return 0;
    }
    int tool = monitoring_take_tool(monitoring);
    int result = tool == -1 ? 0 : -1;
    if (tool >= 0) {
        self->tool = tool;
        result = switch_on(self, monitoring) < 0 ? -1 : 1;
    }
    Py_DECREF(monitoring);
    if (result < 0) {
        monitor_end(self);
    }
    return result;
}

void
monitor_end(TracerObject *self)
{
    int tool = self->tool;
    self->tool = -1;
    PyObject *monitoring = tool < 0 ? NULL : monitoring_get();
    if (monitoring != NULL) {
        monitoring_free_tool(monitoring, tool, CALLS, CALLS_LEN);
        Py_DECREF(monitoring);
    }
}

void
monitor_leave_thread(TracerObject *self)
{
    self->left_thread = PyThreadState_GetID(PyThreadState_Get());
}

/* Notes a call that is not in the cache. Sets *wanted to false if it is to be
   left out. -1 with an exception. */
static int
note(TracerObject *self, PyCodeObject *code, const frame_head *back,
     bool starts, bool *wanted)
{
    const frame_head *top = frame_top(PyThreadState_Get());
    recent_call call = {
        .caller = back == NULL ? NULL : frame_code(back),
        .callee = code,
        .calls = starts && self->mode & TRACER_CALLS ? 1 : 0,
    };
    /* Judging may let go of frames, and of what they hold. */
    PyObject *globals = Py_XNewRef(top->globals);
    PyObject *caller_globals = back == NULL ? NULL : Py_NewRef(back->globals);
    Py_XINCREF(call.caller);
    int result =
        session_note_call(self, call, globals, caller_globals, wanted);
    Py_XDECREF(call.caller);
    Py_XDECREF(globals);
    Py_XDECREF(caller_globals);
    return result;
}

PyObject *
monitor_call(TracerObject *self, PyCodeObject *code, monitor_event event)
{
    bool counts = (self->mode & TRACER_CALLS) != 0;
    if (self->tool < 0 ||
        self->left_thread == PyThreadState_GetID(PyThreadState_Get()) ||
        session_waits(self)) {
        Py_RETURN_NONE;
    }
    if (settrace_has_newcomers(self) && settrace_take_newcomer(self) < 0 &&
        session_keep_trouble(self) < 0) {
        return NULL;
    }
    if ((self->mode & TRACER_ANY_CALLS) == 0) {
        Py_RETURN_NONE;
    }
    bool starts = event == MONITOR_START;
    bool with_caller = (self->mode & (TRACER_CALLERS | TRACER_CALLS)) != 0;
    const frame_head *back = NULL;
    if (with_caller) {
        back = frame_caller(frame_top(PyThreadState_Get()));
        if (back != NULL && back->object != NULL &&
            functions_is_outer(&self->functions, back->object)) {
            back = NULL;
        }
    }
    bool lasting = session_trusts_cache(self, code);
    PyCodeObject *caller = back == NULL ? NULL : frame_code(back);
    bool wanted = true;
    bool failed = false;
    if (!lasting ||
        !functions_hit(&self->functions, caller, code, counts && starts)) {
        failed = note(self, code, back, starts, &wanted) < 0;
        if (failed && session_keep_trouble(self) < 0) {
            return NULL;
        }
    }
    bool again = settrace_has_newcomers(self) || (with_caller && wanted) ||
                 event == MONITOR_THROW || failed || !lasting;
    return Py_NewRef(again ? Py_None : self->disable);
}
