// SPDX-License-Identifier: Apache-2.0
#include "untraced.h"

static PyObject *
call(PyObject *function, PyObject *args)
{
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);
    PyObject *result = PyObject_CallObject(function, args);
    PyThreadState_LeaveTracing(thread);
    return result;
}

static PyMethodDef definition = {"untraced", call, METH_VARARGS, NULL};

PyDoc_STRVAR(untraced_doc,
             "untraced(function, /)\n--\n\n"
             "Return a function that calls this one with the same positional\n"
             "arguments, with nothing of the thread traced meanwhile.");

static PyObject *
untraced(PyObject *Py_UNUSED(module), PyObject *function)
{
    return PyCFunction_New(&definition, function);
}

PyMethodDef untraced_methods[] = {
    {"untraced", untraced, METH_O, untraced_doc},
    {NULL, NULL, 0, NULL},
};
