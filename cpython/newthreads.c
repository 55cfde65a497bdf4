// SPDX-License-Identifier: Apache-2.0
#include "newthreads.h"

#include "compat.h"
#include "hook.h"
#include "run.h"
#include "session.h"
#include "settrace.h"
#include "sync.h"

enum { START_NEW_THREAD, START_NEW, START_JOINABLE, STARTS };

static hooked_function starts[STARTS] = {
    [START_NEW_THREAD] = {.name = "start_new_thread"},
    [START_NEW] = {.name = "start_new"},
    [START_JOINABLE] = {.name = "start_joinable_thread"}, /* from 3.13 on */
};

/* What Tracer._thread_event is in C; NULL until `starts` are hooked. */
static SYNC_SHARED(PyCFunction) event;

static sync_section section; /* held while they are */

/* --- In the new thread --------------------------------------------------- */

/* `self` is (hook, function): has this thread traced and calls the function,
   of whose exception it says what Python would say. */
static PyObject *
run_traced(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *hook = PyTuple_GET_ITEM(self, 0);
    PyObject *function = PyTuple_GET_ITEM(self, 1);
    TracerObject *tracer = (TracerObject *)PyCFunction_GET_SELF(hook);
    if (tracer->runs > 0 && run_needs_trace(tracer)) {
        PyObject *handle = run_handle(tracer);
        if (handle == NULL || settrace_install(tracer, handle) < 0) {
            /* Memory is short: the program's thread comes first. */
            PyErr_Clear();
        }
        Py_XDECREF(handle);
    }
    PyObject *result = PyObject_Call(function, args, kwargs);
    if (result == NULL && !PyErr_ExceptionMatches(PyExc_SystemExit)) {
        compat_report_thread(function);
        result = Py_NewRef(Py_None);
    }
    return result;
}

static PyMethodDef run_traced_method = {
    "run_traced", (PyCFunction)(void (*)(void))run_traced,
    METH_VARARGS | METH_KEYWORDS, NULL};

/* --- In the thread that starts it ---------------------------------------- */

/* Something of the module threading: a new reference, or NULL without an
   exception. */
static PyObject *
get_from_threading(const char *name)
{
    PyObject *key = PyUnicode_FromString("threading");
    PyObject *threading = key == NULL ? NULL : PyImport_GetModule(key);
    PyObject *value =
        threading == NULL ? NULL : PyObject_GetAttrString(threading, name);
    Py_XDECREF(key);
    Py_XDECREF(threading);
    PyErr_Clear();
    return value;
}

/* Whether the function is what threading.Thread has a thread begin with: that
   sets the trace function itself, and is not traced before. */
static bool
is_of_threading(PyObject *function)
{
    if (!PyMethod_Check(function)) {
        return false;
    }
    PyObject *type = get_from_threading("Thread");
    bool found =
        type != NULL && PyType_Check(type) &&
        PyObject_TypeCheck(PyMethod_GET_SELF(function), (PyTypeObject *)type);
    Py_XDECREF(type);
    return found;
}

/* What to start in the place of the function: a new reference; NULL if that
   is to be started itself, or with an exception. */
static PyObject *
wrap(PyObject *function)
{
    if (!PyCallable_Check(function) || is_of_threading(function)) {
        return NULL;
    }
    PyObject *wrapped = NULL;
    PyObject *hook = get_from_threading("_trace_hook");
    if (hook != NULL && PyCFunction_Check(hook) &&
        PyCFunction_GET_FUNCTION(hook) == event) {
        const TracerObject *tracer =
            (TracerObject *)PyCFunction_GET_SELF(hook);
        if (tracer->runs > 0 && run_needs_trace(tracer)) {
            PyObject *parts = PyTuple_Pack(2, hook, function);
            if (parts != NULL) {
                wrapped = PyCFunction_New(&run_traced_method, parts);
                Py_DECREF(parts);
            }
        }
    }
    Py_XDECREF(hook);
    return wrapped;
}

/* The arguments with the function wrapped, as a new reference; they themselves
   if it is not to be, or not among them. NULL with an exception. */
static PyObject *
wrap_first(PyObject *args)
{
    if (PyTuple_GET_SIZE(args) == 0) {
        return Py_NewRef(args);
    }
    PyObject *wrapped = wrap(PyTuple_GET_ITEM(args, 0));
    if (wrapped == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(args);
    }
    PyObject *changed = PyTuple_New(PyTuple_GET_SIZE(args));
    if (changed == NULL) {
        Py_DECREF(wrapped);
        return NULL;
    }
    PyTuple_SET_ITEM(changed, 0, wrapped);
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(args); i++) {
        PyTuple_SET_ITEM(changed, i, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    return changed;
}

static PyObject *
wrap_named(PyObject *kwargs)
{
    PyObject *function =
        kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, "function");
    PyObject *wrapped = function == NULL ? NULL : wrap(function);
    if (wrapped == NULL) {
        return PyErr_Occurred() ? NULL : Py_XNewRef(kwargs);
    }
    PyObject *changed = PyDict_Copy(kwargs);
    if (changed != NULL &&
        PyDict_SetItemString(changed, "function", wrapped) < 0) {
        Py_CLEAR(changed);
    }
    Py_DECREF(wrapped);
    return changed;
}

static PyObject *
start_plain(size_t number, PyObject *module, PyObject *args)
{
    PyObject *changed = wrap_first(args);
    if (changed == NULL) {
        return NULL;
    }
    PyObject *result = starts[number].original->ml_meth(module, changed);
    Py_DECREF(changed);
    return result;
}

static PyObject *
start_new_thread(PyObject *module, PyObject *args)
{
    return start_plain(START_NEW_THREAD, module, args);
}

static PyObject *
start_new(PyObject *module, PyObject *args)
{
    return start_plain(START_NEW, module, args);
}

static PyObject *
start_joinable(PyObject *module, PyObject *args, PyObject *kwargs)
{
    PyCFunctionWithKeywords original =
        (PyCFunctionWithKeywords)(void (*)(void))starts[START_JOINABLE]
            .original->ml_meth;
    PyObject *result = NULL;
    PyObject *changed = wrap_first(args);
    PyObject *named = changed == NULL ? NULL : wrap_named(kwargs);
    if (changed != NULL && (named != NULL || kwargs == NULL)) {
        result = original(module, changed, named);
    }
    Py_XDECREF(changed);
    Py_XDECREF(named);
    return result;
}

static const hook_choice choices[STARTS] = {
    [START_NEW_THREAD] = {METH_VARARGS, (void (*)(void))start_new_thread},
    [START_NEW] = {METH_VARARGS, (void (*)(void))start_new},
    [START_JOINABLE] = {METH_VARARGS | METH_KEYWORDS,
                        (void (*)(void))start_joinable},
};

int
newthreads_watch(PyObject *handle)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main() ||
        !PyCFunction_Check(handle)) {
        return 0;
    }
    if (event != NULL) {
        return 0;
    }
    sync_enter(&section);
    PyObject *module = PyImport_ImportModule("_thread");
    for (size_t i = 0; module != NULL && i < STARTS; i++) {
        hook_function(module, &starts[i], &choices[i], 1);
    }
    if (module != NULL) {
        event = PyCFunction_GET_FUNCTION(handle);
        Py_DECREF(module);
    }
    sync_leave(&section);
    return module == NULL ? -1 : 0;
}
