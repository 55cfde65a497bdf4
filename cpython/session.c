// SPDX-License-Identifier: Apache-2.0
#include "session.h"

int
session_keep_trouble(TracerObject *self)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (self->trouble == NULL) {
        PyErr_NormalizeException(&type, &value, &traceback);
        self->trouble = Py_XNewRef(value);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}
