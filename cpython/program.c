// SPDX-License-Identifier: Apache-2.0
/* Running a program as Python itself would: what only C can do of it.

   A program that Python starts has no frame below its own. So that it does
   not notice the difference (tracebacks, sys._getframe(), the stack level of
   a warning, the depth of a recursion that just fits), the frames of this
   thread are hidden while it runs, while its exception is displayed and while
   its threads are waited for. */
#include "program.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "compat.h"

/* Hiding frames */

typedef struct {
    PyThreadState *thread;
    struct _PyInterpreterFrame *top; /* owned by the thread's stack */
    int depth;                       /* levels of recursion in use */
    int limit;                       /* the recursion limit */
    PyObject *restart;               /* owned: see find_restart() */
} hidden_frames;

/* sys.monitoring.restart_events, as a new reference, or NULL without an
   exception (there is none in 3.11). */
static PyObject *
find_restart(void)
{
    PyObject *monitoring = PySys_GetObject("monitoring");
    PyObject *restart =
        monitoring == NULL
            ? NULL
            : PyObject_GetAttrString(monitoring, "restart_events");
    PyErr_Clear();
    return restart;
}

static hidden_frames
hide_frames(void)
{
    PyThreadState *thread = PyThreadState_Get();
    hidden_frames hidden = {
        .thread = thread,
        .top = *compat_top_frame(thread),
        .depth = *compat_depth_limit(thread) - *compat_depth_left(thread),
        .limit = *compat_depth_limit(thread),
        .restart = find_restart(),
    };
    *compat_depth_left(thread) += hidden.depth + COMPAT_DEPTH_OF_EXEC;
    if (COMPAT_CAN_HIDE_FRAMES) {
        *compat_top_frame(thread) = compat_bottom_frame(thread);
    }
    return hidden;
}

/* Undoes hide_frames(), whether or not an exception is set: that stays. */
static void
show_frames(hidden_frames *hidden)
{
    PyThreadState *thread = hidden->thread;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (COMPAT_CAN_HIDE_FRAMES) {
        *compat_top_frame(thread) = hidden->top;
    }
    /* The program may have lowered the limit below what we need. */
    if (*compat_depth_limit(thread) < hidden->limit) {
        Py_SetRecursionLimit(hidden->limit);
    }
    *compat_depth_left(thread) -= hidden->depth + COMPAT_DEPTH_OF_EXEC;
    /* When events are switched on or off, the interpreter rewrites the code
       of all frames that it finds. It missed these: have it do so again. */
    if (hidden->restart != NULL) {
        Py_XDECREF(PyObject_CallNoArgs(hidden->restart));
        Py_CLEAR(hidden->restart);
    }
    PyErr_Restore(type, value, traceback);
}

/* Takes the exception that is set. Returns a new reference. */
static PyObject *
take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_DECREF(type);
    Py_XDECREF(traceback);
    return value;
}

PyDoc_STRVAR(
    call_alone_doc,
    "call_alone($module, function, /, *args)\n--\n\n"
    "Call function with args as if this thread had just begun: the\n"
    "frames of its callers are hidden from it. Returns (result, None)\n"
    "or (None, exception).");

static PyObject *
call_alone(PyObject *Py_UNUSED(module), PyObject *const *args,
           Py_ssize_t nargs)
{
    if (nargs < 1) {
        PyErr_SetString(PyExc_TypeError, "call_alone() needs a function");
        return NULL;
    }
    hidden_frames hidden = hide_frames();
    PyObject *result =
        PyObject_Vectorcall(args[0], args + 1, (size_t)(nargs - 1), NULL);
    PyObject *exception = result == NULL ? take_exception() : NULL;
    show_frames(&hidden);
    return result != NULL ? Py_BuildValue("NO", result, Py_None)
                          : Py_BuildValue("ON", Py_None, exception);
}

/* The end of a program by an exception */

static void
write_to_stderr(PyObject *object)
{
    PyObject *file = PySys_GetObject("stderr");
    if (file == NULL || file == Py_None) {
        PyObject_Print(object, stderr, Py_PRINT_RAW);
        fflush(stderr);
        PyErr_Clear();
        return;
    }
    Py_INCREF(file);
    if (PyFile_WriteObject(object, file, Py_PRINT_RAW) < 0) {
        PyErr_Clear();
    }
    Py_DECREF(file);
}

/* The status that the SystemExit that is set asks for: an int, as a new
   reference. Anything but an int is written to stderr and counts as 1. The
   exception is no longer set. */
static PyObject *
take_exit_status(void)
{
    fflush(stdout);
    PyObject *exception = take_exception();
    PyObject *code = PyObject_GetAttrString(exception, "code");
    if (code == NULL) {
        PyErr_Clear();
        code = Py_NewRef(exception);
    }
    Py_DECREF(exception);
    int status = 0;
    if (PyLong_Check(code)) {
        /* Without what does not fit; far too large is -1. */
        status = (int)PyLong_AsLongLong(code);
        PyErr_Clear();
    }
    else if (code != Py_None) {
        write_to_stderr(code);
        PySys_WriteStderr("\n");
        status = 1;
    }
    Py_DECREF(code);
    return PyLong_FromLong(status);
}

/* In the place of sys.excepthook for one call. `self` is a list: the hook,
   to which the status is added when it exits. */
static PyObject *
call_hook(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *hook = PyList_GetItem(self, 0);
    if (hook == NULL) {
        return NULL;
    }
    Py_INCREF(hook);
    PyObject *result = NULL;
    if (PySys_SetObject("excepthook", hook) == 0) {
        result = PyObject_Vectorcall(hook, args, (size_t)nargs, NULL);
    }
    Py_DECREF(hook);
    if (result != NULL || !PyErr_ExceptionMatches(PyExc_SystemExit)) {
        return result;
    }
    PyObject *status = take_exit_status();
    int added = status == NULL ? -1 : PyList_Append(self, status);
    Py_XDECREF(status);
    return added < 0 ? NULL : Py_NewRef(Py_None);
}

static PyMethodDef call_hook_method = {
    "excepthook", (PyCFunction)(void (*)(void))call_hook, METH_FASTCALL, NULL};

/* Displays the exception that is set, by the program's own hook if it has
   one. PyErr_Print() alone would end the process when that hook exits.
   Returns the status, as a new reference. */
static PyObject *
display_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *hook = PySys_GetObject("excepthook");
    PyObject *box = NULL;
    if (hook != NULL) {
        box = Py_BuildValue("[O]", hook);
        PyObject *stand_in =
            box == NULL ? NULL : PyCFunction_New(&call_hook_method, box);
        if (stand_in == NULL || PySys_SetObject("excepthook", stand_in) < 0) {
            PyErr_Clear();
        }
        Py_XDECREF(stand_in);
    }
    PyErr_Restore(type, value, traceback);
    PyErr_Print();
    PyObject *status = NULL;
    if (box != NULL && PyList_GET_SIZE(box) > 1) {
        status = Py_NewRef(PyList_GET_ITEM(box, 1));
    }
    Py_XDECREF(box);
    return status != NULL ? status : PyLong_FromLong(1);
}

/* Whether Python goes on with a prompt (python -i): then SystemExit is
   displayed like any other exception. */
static bool
prompt_follows(void)
{
    PyObject *flags = PySys_GetObject("flags");
    PyObject *flag =
        flags == NULL ? NULL : PyObject_GetAttrString(flags, "inspect");
    bool result = flag != NULL && PyObject_IsTrue(flag) == 1;
    Py_XDECREF(flag);
    PyErr_Clear();
    return result;
}

PyDoc_STRVAR(
    end_by_doc,
    "end_by($module, exception, /)\n--\n\n"
    "Do what Python does when this exception ends a program: display\n"
    "it, or the text that SystemExit carries. Returns (status,\n"
    "interrupted): what the process is to exit with, and whether\n"
    "Python would have it killed by SIGINT.");

static PyObject *
end_by(PyObject *Py_UNUSED(module), PyObject *exception)
{
    if (!PyExceptionInstance_Check(exception)) {
        PyErr_SetString(PyExc_TypeError, "end_by() takes an exception");
        return NULL;
    }
    bool exits = PyErr_GivenExceptionMatches(exception, PyExc_SystemExit) &&
                 !prompt_follows();
    bool interrupted = compat_is_interrupt(exception);
    hidden_frames hidden = hide_frames();
    PyErr_Restore(Py_NewRef(Py_TYPE(exception)), Py_NewRef(exception),
                  PyException_GetTraceback(exception));
    PyObject *status = exits ? take_exit_status() : display_exception();
    show_frames(&hidden);
    if (status == NULL) {
        return NULL;
    }
    return Py_BuildValue("NO", status, interrupted ? Py_True : Py_False);
}

PyDoc_STRVAR(
    join_threads_doc,
    "join_threads($module, /)\n--\n\n"
    "Wait for the threads that are not daemons, as Python does before\n"
    "it exits. Returns whether it came to the end: an exception ends the\n"
    "wait, and is reported as Python reports it.");

static PyObject *
join_threads(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    PyObject *name = PyUnicode_FromString("threading");
    PyObject *threading = name == NULL ? NULL : PyImport_GetModule(name);
    Py_XDECREF(name);
    if (threading == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_True);
    }
    hidden_frames hidden = hide_frames();
    PyObject *result = PyObject_CallMethod(threading, "_shutdown", NULL);
    if (result == NULL) {
        compat_report_shutdown(threading);
    }
    show_frames(&hidden);
    Py_DECREF(threading);
    if (result == NULL) {
        Py_RETURN_FALSE;
    }
    Py_DECREF(result);
    Py_RETURN_TRUE;
}

static void
die_of_interrupt(void)
{
    fflush(stdout);
    fflush(stderr);
    signal(SIGINT, SIG_DFL);
    raise(SIGINT);
}

PyDoc_STRVAR(interrupt_at_exit_doc,
             "interrupt_at_exit($module, /)\n--\n\n"
             "Have this process killed by SIGINT when Python is finalized.");

static PyObject *
interrupt_at_exit(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    /* Without a free slot the process exits with a status instead. */
    (void)Py_AtExit(die_of_interrupt);
    Py_RETURN_NONE;
}

/* Starting a program */

PyDoc_STRVAR(
    importer_doc,
    "importer($module, path, /)\n--\n\n"
    "The importer of an entry of sys.path: for a folder or a zip file\n"
    "an object, for anything else None.");

static PyObject *
importer(PyObject *Py_UNUSED(module), PyObject *path)
{
    return PyImport_GetImporter(path);
}

/* exec() for runpy: `self` is (namespace in which this function is "exec",
   execute, globals). */
static PyObject *
exec_once_call(PyObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "exec() takes code and globals here");
        return NULL;
    }
    PyObject *namespace = PyTuple_GET_ITEM(self, 0);
    if (args[1] != PyTuple_GET_ITEM(self, 2)) {
        /* A package that runs something by itself while it is imported. */
        return PyEval_EvalCode(args[0], args[1], args[1]);
    }
    if (PyDict_DelItemString(namespace, "exec") < 0) {
        return NULL;
    }
    PyObject *const parts[] = {args[0], args[1], args[1]};
    return PyObject_Vectorcall(PyTuple_GET_ITEM(self, 1), parts, 3, NULL);
}

static PyMethodDef exec_once_method = {
    "exec", (PyCFunction)(void (*)(void))exec_once_call, METH_FASTCALL, NULL};

PyDoc_STRVAR(
    exec_once_doc,
    "exec_once($module, namespace, execute, globals, /)\n--\n\n"
    "Have the functions of a module, whose namespace is given, call\n"
    "execute(code, globals, globals) instead of exec(code, globals):\n"
    "once, and for these globals only. Leaves no frame.");

static PyObject *
exec_once(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *namespace, *execute, *globals;
    if (!PyArg_ParseTuple(args, "O!OO!:exec_once", &PyDict_Type, &namespace,
                          &execute, &PyDict_Type, &globals)) {
        return NULL;
    }
    PyObject *stand_in = PyCFunction_New(&exec_once_method, args);
    if (stand_in == NULL) {
        return NULL;
    }
    int result = PyDict_SetItemString(namespace, "exec", stand_in);
    Py_DECREF(stand_in);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static FILE *
open_copy(const char *data, Py_ssize_t len)
{
    FILE *file = tmpfile();
    if (file == NULL) {
        return NULL;
    }
    if (fwrite(data, 1, (size_t)len, file) != (size_t)len ||
        fflush(file) != 0) {
        fclose(file);
        return NULL;
    }
    rewind(file);
    return file;
}

PyDoc_STRVAR(
    run_source_doc,
    "run_source($module, source, filename, globals, /)\n--\n\n"
    "Run the bytes of a source file by the interpreter's own function\n"
    "for files: for a source that compile() refuses with other words\n"
    "than the interpreter has for it in a file.");

static PyObject *
run_source(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *data;
    Py_ssize_t len;
    PyObject *filename, *globals;
    if (!PyArg_ParseTuple(args, "y#O&O!:run_source", &data, &len,
                          PyUnicode_FSConverter, &filename, &PyDict_Type,
                          &globals)) {
        return NULL;
    }
    PyObject *result = NULL;
    FILE *file = open_copy(data, len);
    if (file == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    else {
        result = PyRun_FileEx(file, PyBytes_AS_STRING(filename), Py_file_input,
                              globals, globals, 1);
    }
    Py_DECREF(filename);
    return result;
}

PyMethodDef program_methods[] = {
    {"call_alone", (PyCFunction)(void (*)(void))call_alone, METH_FASTCALL,
     call_alone_doc},
    {"end_by", end_by, METH_O, end_by_doc},
    {"exec_once", exec_once, METH_VARARGS, exec_once_doc},
    {"importer", importer, METH_O, importer_doc},
    {"interrupt_at_exit", interrupt_at_exit, METH_NOARGS,
     interrupt_at_exit_doc},
    {"join_threads", join_threads, METH_NOARGS, join_threads_doc},
    {"run_source", run_source, METH_VARARGS, run_source_doc},
    {NULL, NULL, 0, NULL},
};
