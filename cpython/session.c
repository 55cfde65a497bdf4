// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <string.h>

#include "flush.h"

/* The name of the module whose code raised the exception, borrowed from the
   frame; NULL when no Python code did. */
static PyObject *
raising_module(PyObject *traceback)
{
    PyTracebackObject *entry = (PyTracebackObject *)traceback;
    if (entry == NULL || (PyObject *)entry == Py_None) {
        return NULL;
    }
    while (entry->tb_next != NULL) {
        entry = entry->tb_next;
    }
    PyObject *globals = PyFrame_GetGlobals(entry->tb_frame);
    PyObject *name = PyDict_GetItemString(globals, "__name__");
    Py_DECREF(globals);
    return name;
}

/* Whether code that we call raised it, as far as one can tell: files and
   memory fail under us; anything else comes from C, or from modules whose
   functions we call, or else from a signal handler of the program. */
static int
is_ours(PyObject *type, PyObject *traceback)
{
    if (PyErr_GivenExceptionMatches(type, PyExc_TimeoutError)) {
        return 0;
    }
    PyObject *const usual[] = {PyExc_OSError, PyExc_ValueError,
                               PyExc_RecursionError, PyExc_MemoryError};
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
        if (PyErr_GivenExceptionMatches(type, usual[i])) {
            return 1;
        }
    }
    PyObject *module = raising_module(traceback);
    if (module == NULL || !PyUnicode_Check(module)) {
        return 1;
    }
    const char *name = PyUnicode_AsUTF8(module);
    if (name == NULL) {
        PyErr_Clear();
        return 0;
    }
    return strncmp(name, "exactrace.", 10) == 0 ||
           strcmp(name, "linecache") == 0 || strcmp(name, "tokenize") == 0;
}

int
session_keep_trouble(TracerObject *self)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (!is_ours(type, traceback)) {
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    /* The section is not for this: who holds it may wait, in code of Python,
       for what this thread holds. */
    PyErr_NormalizeException(&type, &value, &traceback);
    sync_take(&self->trouble_lock);
    if (self->trouble == NULL) {
        self->trouble = value;
        value = NULL;
    }
    sync_give(&self->trouble_lock);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

PyObject *
session_take_trouble(TracerObject *self)
{
    sync_take(&self->trouble_lock);
    PyObject *trouble = self->trouble;
    self->trouble = NULL;
    sync_give(&self->trouble_lock);
    return trouble;
}

PyObject *
session_wait_for(TracerObject *self, PyObject *spec)
{
    if (self->awaited != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "waits for a module already");
        return NULL;
    }
    self->awaited = Py_NewRef(spec);
    self->waits = true;
    Py_RETURN_NONE;
}

bool
session_looks_whether_it_waits(TracerObject *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *flag = PyObject_GetAttrString(self->awaited, "_initializing");
    bool waits = flag == Py_True;
    Py_XDECREF(flag);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    if (!waits) {
        self->waits = false;
    }
    return waits;
}

/* What was judged by this thread: borrowed; NULL with an exception. */
static PyObject *
get_judged(TracerObject *self)
{
#ifdef Py_GIL_DISABLED
    thread_lane *mine = session_lane(self);
    uint64_t plan = self->plan;
    if (mine != NULL && mine->plan != plan) {
        PyDict_Clear(mine->judged);
        mine->plan = plan;
    }
    return mine == NULL ? NULL : mine->judged;
#else
    return self->judged;
#endif
}

int
session_keep_log_trouble(TracerObject *self)
{
    bool broken = PyErr_ExceptionMatches(PyExc_OSError) ||
                  PyErr_ExceptionMatches(PyExc_ValueError);
    int result = session_keep_trouble(self);
    if (result == 0 && broken) {
        self->log.broken = true;
    }
    return result;
}

/* The module name under which the file is wanted, or None: borrowed from
   what was judged. NULL with an exception. */
static PyObject *
judge(TracerObject *self, PyObject *filename, PyObject *globals)
{
    PyObject *judged = get_judged(self);
    if (judged == NULL) {
        return NULL;
    }
    PyObject *module = PyDict_GetItemWithError(judged, filename);
    if (module != NULL || PyErr_Occurred()) {
        return module;
    }
    if ((self->mode & TRACER_ALL) != 0) {
        bool is_file =
            PyUnicode_GET_LENGTH(filename) > 0 &&
            PyUnicode_CompareWithASCIIString(filename, "<string>") != 0;
        module = Py_NewRef(is_file ? filename : Py_None);
    }
    else {
        module = PyObject_CallMethod((PyObject *)self, "_judge", "OO",
                                     filename, globals);
    }
    if (module == NULL) {
        return NULL;
    }
    int stored = PyDict_SetItem(judged, filename, module);
    Py_DECREF(module);
    return stored < 0 ? NULL : module;
}

/* co_filename of the innermost frame of this thread with these globals: a new
   reference, or NULL if there is none. */
static PyObject *
find_code_file(PyObject *globals)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    PyObject *found = NULL;
    while (frame != NULL && found == NULL) {
        PyObject *its = PyFrame_GetGlobals(frame);
        if (its == globals) {
            PyCodeObject *code = PyFrame_GetCode(frame);
            found = Py_NewRef(code->co_filename);
            Py_DECREF(code);
        }
        Py_DECREF(its);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    return found;
}

int
session_file(const TracerObject *self, PyObject *globals, PyObject **file)
{
    PyObject *held;
    *file = NULL;
    if (sync_dict_get(globals, self->s_file, &held) < 0) {
        return -1;
    }
    if (held == NULL || held == Py_None) {
        Py_XDECREF(held);
        return 0;
    }
    if (PyUnicode_Check(held)) {
        *file = PyUnicode_FromObject(held);
    }
    else {
        *file = find_code_file(globals);
    }
    Py_DECREF(held);
    return *file == NULL && PyErr_Occurred() ? -1 : 0;
}

int
session_judge(TracerObject *self, PyObject *globals, PyObject **module)
{
    *module = NULL;
    PyObject *filename;
    if (session_file(self, globals, &filename) < 0) {
        return -1;
    }
    if (filename == NULL) {
        return 0;
    }
    PyObject *found = judge(self, filename, globals);
    Py_DECREF(filename);
    if (found == NULL) {
        return -1;
    }
    *module = found == Py_None ? NULL : found;
    return 0;
}

int
session_flush(TracerObject *self)
{
    sync_enter(&self->section);
    PyObject *counts = Py_NewRef(self->counts);
    int result = flush_files(&self->files, counts);
#ifdef Py_GIL_DISABLED
    thread_lane *lane = NULL;
    while (result == 0 && (lane = lanes_next(&self->lanes, lane)) != NULL) {
        result = flush_files(&lane->files, counts);
    }
#endif
    Py_DECREF(counts);
    sync_leave(&self->section);
    return result;
}
/* Sets *wanted to whether calls of and by code with these globals are. */
static int
wants_calls(TracerObject *self, PyObject *globals, bool *wanted)
{
    *wanted = true;
    if ((self->mode & TRACER_FILTERED) == 0 || globals == NULL) {
        return 0;
    }
    PyObject *module;
    int result = session_judge(self, globals, &module);
    *wanted = module != NULL;
    return result;
}

int
session_note_call(TracerObject *self, recent_call call, PyObject *globals,
                  PyObject *caller_globals, bool *wanted)
{
    bool wants_caller;
    if (wants_calls(self, globals, wanted) < 0 ||
        wants_calls(self, caller_globals, &wants_caller) < 0) {
        *wanted = false;
        return -1;
    }
    call.hides_caller = !wants_caller;
    return *wanted ? functions_note(&self->functions, call) : 0;
}

bool
session_wants(const TracerObject *self, PyObject *file)
{
    PyObject *module = PyDict_GetItemWithError(self->judged, file);
    PyErr_Clear();
    return module != NULL && module != Py_None;
}
