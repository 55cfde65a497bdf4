// SPDX-License-Identifier: Apache-2.0
#include "settrace.h"

#include "calls.h"
#include "printing.h"

/* Sets *file to where the lines of the frame count, or to NULL when they are
   not wanted. -1 with an exception. */
static int
find_file(TracerObject *self, thread_lane *mine, PyFrameObject *frame,
          traced_file **file)
{
    *file = NULL;
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *module = NULL;
    int result = session_judge(self, globals, &module);
    Py_DECREF(globals);
    if (module == NULL) {
        return result;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    if (self->mode & TRACER_LINES) {
        if (linelog_call(&self->log, module, code->co_name) < 0 &&
            session_keep_log_trouble(self) < 0) {
            Py_DECREF(code);
            return -1;
        }
    }
    *file = files_get(session_files(self, mine), code->co_filename);
    Py_DECREF(code);
    return *file == NULL ? -1 : 0;
}

/* Whether lines are ours to see: where an engine counts, it sees them. */
static bool
counts_lines(const TracerObject *self)
{
    return self->mode & TRACER_ANY_LINES && self->engine == NULL &&
           self->printer == NULL;
}

/* Whether lines are printed with options of ours. */
static bool
has_options(const TracerObject *self)
{
    return self->printing != NULL && (self->mode & TRACER_LINES) != 0;
}

static int
on_call(TracerObject *self, thread_lane *mine, PyFrameObject *frame)
{
    if (calls_note(self, frame) < 0) {
        return -1;
    }
    if (has_options(self)) {
        return printing_call(self, frame);
    }
    mine->left_frame = NULL;
    if (!counts_lines(self)) {
        return 0;
    }
    traced_file *file;
    int result = find_file(self, mine, frame, &file);
    if (result == 0 && file != NULL) {
        if (xt_ptrmap_set(&mine->frames, frame, file) != XT_OK) {
            PyErr_NoMemory();
            result = -1;
        }
    }
    else {
        /* A frame that ended unseen may have left its address behind. */
        xt_ptrmap_remove(&mine->frames, frame);
    }
    mine->hot_frame = frame;
    mine->hot_file = result == 0 ? file : NULL;
    return result < 0 ? session_keep_trouble(self) : 0;
}

static int
on_return(thread_lane *mine, PyFrameObject *frame)
{
    mine->left_frame = frame;
    mine->left_file = xt_ptrmap_get(&mine->frames, frame);
    xt_ptrmap_remove(&mine->frames, frame);
    mine->hot_frame = NULL;
    return 0;
}

/* When a frame fails before it has come to its RESUME (3.15: a generator
   expression over something that cannot be iterated), CPython reports its end
   as one of its caller's. That the caller has not ended shows in the very
   next event, an exception in it. No other frame can have its address: the
   traceback holds whatever has failed. */
static int
on_exception(TracerObject *self, thread_lane *mine, PyFrameObject *frame)
{
    traced_file *file = mine->left_frame == frame ? mine->left_file : NULL;
    mine->left_frame = NULL;
    if (file == NULL) {
        return 0;
    }
    if (xt_ptrmap_set(&mine->frames, frame, file) != XT_OK) {
        PyErr_NoMemory();
        return session_keep_trouble(self);
    }
    return 0;
}

static int
on_line(TracerObject *self, thread_lane *mine, PyFrameObject *frame)
{
    mine->left_frame = NULL;
    if (frame != mine->hot_frame) {
        mine->hot_frame = frame;
        mine->hot_file = xt_ptrmap_get(&mine->frames, frame);
    }
    traced_file *file = mine->hot_file;
    if (file == NULL) {
        return 0;
    }
    int line = PyFrame_GetLineNumber(frame);
    int result = 0;
    if (self->mode & TRACER_COUNT) {
        if (files_hit(session_files(self, mine), file, line) < 0) {
            result = session_keep_trouble(self);
        }
    }
    if (self->mode & TRACER_LINES && result == 0) {
        if (linelog_line(&self->log, file, line) < 0) {
            result = session_keep_log_trouble(self);
        }
    }
    return result;
}

static int
on_event(PyObject *handle, PyFrameObject *frame, int what)
{
    TracerObject *self = (TracerObject *)PyCFunction_GET_SELF(handle);
    int met = settrace_meet(self, handle, frame, what);
    if (met != 0) {
        return met < 0 ? -1 : 0;
    }
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return session_keep_trouble(self);
    }
    switch (what) {
    case PyTrace_LINE:
        return on_line(self, mine, frame);
    case PyTrace_CALL:
        return on_call(self, mine, frame);
    case PyTrace_RETURN:
        return on_return(mine, frame);
    case PyTrace_EXCEPTION:
        return on_exception(self, mine, frame);
    default:
        return 0;
    }
}

/* The trace function. Its object is the bound method `_event` of the tracer,
   so that sys.gettrace() shows something that sys.settrace() takes back. */
static int
trace(PyObject *handle, PyFrameObject *frame, int what,
      PyObject *Py_UNUSED(arg))
{
    Py_INCREF(handle); /* CPython does not hold it, and sys.stdout may wait */
    int result = on_event(handle, frame, what);
    Py_DECREF(handle);
    return result;
}

static Py_tracefunc
trace_function(const TracerObject *self)
{
    return has_options(self) ? printing_event : trace;
}

int
settrace_call(TracerObject *self, PyFrameObject *frame)
{
    thread_lane *mine = session_lane(self);
    return mine == NULL ? session_keep_trouble(self)
                        : on_call(self, mine, frame);
}

int
settrace_install(TracerObject *self, PyObject *handle)
{
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return -1;
    }
    mine->hot_frame = NULL;
#ifdef Py_GIL_DISABLED
    mine->run = self->begun;
#endif
    PyEval_SetTrace(trace_function(self), handle);
    return 0;
}

void
settrace_left(TracerObject *self)
{
    thread_lane *mine = session_lane(self);
    if (mine != NULL) {
        mine->hot_frame = NULL;
    }
    else {
        PyErr_Clear();
    }
}

#ifdef Py_GIL_DISABLED
bool
settrace_has_newcomers(const TracerObject *self)
{
    return counts_lines(self) && (self->mode & TRACER_LINES) == 0 &&
           PyInterpreterState_Get() != PyInterpreterState_Main();
}

int
settrace_take_newcomer(TracerObject *self)
{
    thread_lane *mine = session_lane(self);
    PyFrameObject *frame = PyEval_GetFrame();
    if (mine == NULL) {
        return -1;
    }
    if (mine->run == self->begun || frame == NULL ||
        PyThreadState_Get()->c_tracefunc != NULL) {
        return 0;
    }
    PyObject *handle = PyObject_GetAttrString((PyObject *)self, "_event");
    if (handle == NULL) {
        return -1;
    }
    int result = settrace_install(self, handle);
    Py_DECREF(handle);
    return result < 0 ? -1 : settrace_call(self, frame);
}
#else
bool
settrace_has_newcomers(const TracerObject *Py_UNUSED(self))
{
    return false;
}

int
settrace_take_newcomer(TracerObject *Py_UNUSED(self))
{
    return 0;
}
#endif

/* Takes a frame, or NULL, and those that have called it. */
static int
take_frames(TracerObject *self, PyFrameObject *top)
{
    if (!counts_lines(self)) {
        return 0;
    }
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return -1;
    }
    if (has_options(self)) {
        return printing_take_frames(self, top);
    }
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(top);
    int result = 0;
    while (frame != NULL && result == 0) {
        traced_file *file;
        result = find_file(self, mine, frame, &file);
        if (result == 0 && file != NULL &&
            xt_ptrmap_set(&mine->frames, frame, file) != XT_OK) {
            PyErr_NoMemory();
            result = -1;
        }
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    return result;
}

int
settrace_take_frames(TracerObject *self)
{
    /* What we call meanwhile is not the program's. */
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);
    int result = take_frames(self, PyEval_GetFrame());
    PyThreadState_LeaveTracing(thread);
    return result;
}

#ifdef Py_GIL_DISABLED
/* The first event of a thread that ran already. */
static int
on_first_event(PyObject *handle, PyFrameObject *frame, int what, PyObject *arg)
{
    TracerObject *self = (TracerObject *)PyCFunction_GET_SELF(handle);
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return session_keep_trouble(self);
    }
    mine->newcomer = true;
    mine->run = 0;
    Py_tracefunc func = trace_function(self);
    PyThreadState_Get()->c_tracefunc = func;
    return func(handle, frame, what, arg);
}

int
settrace_take_threads(TracerObject *self, PyObject *handle)
{
    return newcomers_take(&self->newcomers, (PyObject *)self, on_first_event,
                          handle);
}

static newcomer_meeting
meet(TracerObject *self, PyObject *handle)
{
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        PyErr_Clear(); /* whoever handles the event has it again, and says so
                        */
        return NEWCOMER_NOT;
    }
    if (!mine->newcomer) {
        return NEWCOMER_NOT;
    }
    if (self->runs == 0) {
        Py_INCREF(handle); /* it keeps the tracer */
        PyEval_SetTrace(NULL, NULL);
        bool over = self->runs == 0;
        if (!over) {
            /* The next run, which has begun meanwhile, may have seen it
               traced. */
            PyEval_SetTrace(trace_function(self), handle);
        }
        mine->newcomer = !over;
        Py_DECREF(handle);
        if (over) {
            return NEWCOMER_OVER;
        }
    }
    if (mine->run == self->begun) {
        return NEWCOMER_NOT;
    }
    mine->run = self->begun;
    return NEWCOMER_MET;
}
#else
int
settrace_take_threads(TracerObject *self, PyObject *handle)
{
    return newcomers_take(&self->newcomers, (PyObject *)self,
                          trace_function(self), handle);
}

static newcomer_meeting
meet(TracerObject *self, PyObject *Py_UNUSED(handle))
{
    return newcomers_meet(&self->newcomers, self->runs > 0);
}
#endif

int
settrace_meet(TracerObject *self, PyObject *handle, PyFrameObject *frame,
              int what)
{
    newcomer_meeting meeting = meet(self, handle);
    if (meeting != NEWCOMER_MET) {
        return meeting == NEWCOMER_OVER ? 1 : 0;
    }
    /* A call is still to be told of. */
    PyFrameObject *top = what == PyTrace_CALL
                             ? PyFrame_GetBack(frame)
                             : (PyFrameObject *)Py_NewRef(frame);
    int result = take_frames(self, top);
    Py_XDECREF(top);
    return result < 0 ? session_keep_trouble(self) : 0;
}
