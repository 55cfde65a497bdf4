// SPDX-License-Identifier: Apache-2.0
#include "otherframes.h"

/* All of them, a new list; NULL with an exception. */
static PyObject *
list_frames(void)
{
    PyThreadState *mine = PyThreadState_Get();
    PyThreadState *thread =
        PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(mine));
    PyObject *all = PyList_New(0);
    for (; thread != NULL && all != NULL;
         thread = PyThreadState_Next(thread)) {
        PyObject *top =
            thread == mine ? NULL : (PyObject *)PyThreadState_GetFrame(thread);
        if (top != NULL && PyList_Append(all, top) < 0) {
            Py_CLEAR(all);
        }
        Py_XDECREF(top);
    }
    return all;
}

int
otherframes_visit(int (*visit)(void *argument, PyFrameObject *top),
                  void *argument)
{
    PyObject *all = list_frames();
    int result = all == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(all); i++) {
        result = visit(argument, (PyFrameObject *)PyList_GET_ITEM(all, i));
    }
    Py_XDECREF(all);
    return result;
}
