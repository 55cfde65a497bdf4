// SPDX-License-Identifier: Apache-2.0
#include "leaving.h"

#include <stdbool.h>
#include <unistd.h>

#include "hook.h"

/* Guarded by the GIL. */
enum { FUNCTIONS_MAX = 4 };
static void (*called[FUNCTIONS_MAX])(void);
static PyObject *last_word; /* owned, or NULL */
static PyObject *back;      /* owned, or NULL: when the process goes on */

/* Calls a function, if it is there. An exception of it is none of the
   program's. */
static void
call_back(PyObject *callback)
{
    PyObject *function = Py_XNewRef(callback);
    if (function == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *done = PyObject_CallNoArgs(function);
    if (done == NULL) {
        PyErr_WriteUnraisable(function);
    }
    Py_XDECREF(done);
    Py_DECREF(function);
    PyErr_Restore(type, value, traceback);
}

static void
say_goodbye(void)
{
    call_back(last_word);
    for (size_t i = 0; i < FUNCTIONS_MAX && called[i] != NULL; i++) {
        called[i]();
    }
}

/* The functions that are watched. */
enum { EXIT, EXECV, EXECVE, CALLS };

/* Whether a call is bound to fail: a search along the path tries many. */
static bool
will_fail(int number, PyObject *const *args, Py_ssize_t nargs)
{
    if (number == EXIT || nargs < 1 || PyLong_Check(args[0])) {
        return false;
    }
    PyObject *path;
    if (!PyUnicode_FSConverter(args[0], &path)) {
        PyErr_Clear();
        return true;
    }
    bool fails = access(PyBytes_AS_STRING(path), X_OK) < 0;
    Py_DECREF(path);
    return fails;
}

/* Does what is to be done before a call. False with an exception, if a signal
   came meanwhile whose handler raises one: the process goes on. */
static bool
prepare(int number, PyObject *const *args, Py_ssize_t nargs)
{
    if (will_fail(number, args, nargs)) {
        return true;
    }
    say_goodbye();
    if (PyErr_CheckSignals() < 0) {
        call_back(back);
        return false;
    }
    return true;
}

static hooked_function calls[CALLS] = {
    [EXIT] = {.name = "_exit"},
    [EXECV] = {.name = "execv"},
    [EXECVE] = {.name = "execve"},
};

typedef PyObject *with_names(PyObject *, PyObject *const *, Py_ssize_t,
                             PyObject *);
typedef PyObject *without_names(PyObject *, PyObject *const *, Py_ssize_t);

/* One pair for each call: with the signatures of METH_FASTCALL with and
   without METH_KEYWORDS. */
#define DEFINE_CALL(number, suffix)                                           \
    static PyObject *named_##suffix(PyObject *module, PyObject *const *args,  \
                                    Py_ssize_t nargs, PyObject *names)        \
    {                                                                         \
        if (!prepare(number, args, nargs)) {                                  \
            return NULL;                                                      \
        }                                                                     \
        with_names *function =                                                \
            (with_names *)(void (*)(void))calls[number].original->ml_meth;    \
        PyObject *result = function(module, args, nargs, names);              \
        call_back(back);                                                      \
        return result;                                                        \
    }                                                                         \
    static PyObject *plain_##suffix(PyObject *module, PyObject *const *args,  \
                                    Py_ssize_t nargs)                         \
    {                                                                         \
        if (!prepare(number, args, nargs)) {                                  \
            return NULL;                                                      \
        }                                                                     \
        without_names *function =                                             \
            (without_names *)(void (*)(void))calls[number].original->ml_meth; \
        PyObject *result = function(module, args, nargs);                     \
        call_back(back);                                                      \
        return result;                                                        \
    }
DEFINE_CALL(EXIT, exit)
DEFINE_CALL(EXECV, execv)
DEFINE_CALL(EXECVE, execve)
#undef DEFINE_CALL

#define CHOICES(suffix)                                                       \
    {                                                                         \
        {METH_FASTCALL | METH_KEYWORDS, (void (*)(void))named_##suffix},      \
        {METH_FASTCALL, (void (*)(void))plain_##suffix},                      \
    }
static const hook_choice choices[CALLS][2] = {
    [EXIT] = CHOICES(exit),
    [EXECV] = CHOICES(execv),
    [EXECVE] = CHOICES(execve),
};
#undef CHOICES

static int
hook_functions(void)
{
    PyObject *posix = PyImport_ImportModule("posix");
    if (posix == NULL) {
        return -1;
    }
    for (size_t i = 0; i < CALLS; i++) {
        hook_function(posix, &calls[i], choices[i], 2);
    }
    Py_DECREF(posix);
    return 0;
}

int
leaving_call(void (*function)(void))
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        return 0;
    }
    size_t at = 0;
    while (called[at] != NULL && called[at] != function) {
        at++;
    }
    called[at] = function;
    return hook_functions();
}

PyDoc_STRVAR(
    before_leaving_doc,
    "before_leaving(function, go_on=None, /)\n--\n\n"
    "Have the function called, without arguments, before this process "
    "ends by\nos._exit() or becomes another program by os.execv() or "
    "os.execve(); None:\nno function. Should that fail, go_on is called. "
    "Only the functions of the main\ninterpreter are watched.");

static void
set_callback(PyObject **place, PyObject *function)
{
    Py_XSETREF(*place, function == Py_None ? NULL : Py_NewRef(function));
}

static PyObject *
before_leaving(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *function;
    PyObject *go_on = Py_None;
    if (!PyArg_ParseTuple(args, "O|O:before_leaving", &function, &go_on)) {
        return NULL;
    }
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        Py_RETURN_NONE;
    }
    if (hook_functions() < 0) {
        return NULL;
    }
    set_callback(&last_word, function);
    set_callback(&back, go_on);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(leave_doc, "leave($module, /)\n--\n\n"
                        "Do what is to be done before this process ends.");

static PyObject *
leave(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    say_goodbye();
    Py_RETURN_NONE;
}

PyMethodDef leaving_methods[] = {
    {"leave", leave, METH_NOARGS, leave_doc},
    {"before_leaving", before_leaving, METH_VARARGS, before_leaving_doc},
    {NULL, NULL, 0, NULL},
};
