// SPDX-License-Identifier: Apache-2.0
#include "display.h"

/* Makes `error` the current exception. 0, or -1 with a TypeError. */
static int
set_current(PyObject *error)
{
    if (!PyExceptionInstance_Check(error)) {
        PyErr_Format(PyExc_TypeError, "not an exception: %R", error);
        return -1;
    }
    PyErr_Restore(Py_NewRef(PyExceptionInstance_Class(error)),
                  Py_NewRef(error), PyException_GetTraceback(error));
    return 0;
}

PyDoc_STRVAR(print_exception_doc,
             "print_exception(error, /)\n--\n\n"
             "Show an uncaught exception through sys.excepthook, as the\n"
             "interpreter does: sys.last_exc is set, a failing hook is\n"
             "reported. For SystemExit, ends the process.");

static PyObject *
print_exception(PyObject *Py_UNUSED(module), PyObject *error)
{
    if (set_current(error) < 0) {
        return NULL;
    }
    PyErr_Print();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(print_unraisable_doc,
             "print_unraisable(error, where, /)\n--\n\n"
             "Show an exception that cannot be raised through\n"
             "sys.unraisablehook; where is the object that it came from.");

static PyObject *
print_unraisable(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *error;
    PyObject *where;
    if (!PyArg_ParseTuple(args, "OO:print_unraisable", &error, &where) ||
        set_current(error) < 0) {
        return NULL;
    }
    PyErr_WriteUnraisable(where);
    Py_RETURN_NONE;
}

PyMethodDef display_methods[] = {
    {"print_exception", print_exception, METH_O, print_exception_doc},
    {"print_unraisable", print_unraisable, METH_VARARGS,
     print_unraisable_doc},
    {NULL, NULL, 0, NULL},
};
