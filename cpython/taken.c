// SPDX-License-Identifier: Apache-2.0
#include "taken.h"

#include "engine.h"

enum { PARTS = 4 };

static int
bring_in(TracerObject *tracer)
{
    if ((tracer->engine != NULL &&
         engine_harvest(tracer->engine, tracer) < 0) ||
        session_flush(tracer) < 0) {
        return -1;
    }
    return functions_flush(&tracer->functions);
}

/* A tuple of copies of the dicts, which are then cleared. */
static PyObject *
hand_over(PyObject *const *dicts)
{
    PyObject *taken = PyTuple_New(PARTS);
    for (Py_ssize_t i = 0; taken != NULL && i < PARTS; i++) {
        PyObject *copy = PyDict_Copy(dicts[i]);
        if (copy == NULL) {
            Py_CLEAR(taken);
            break;
        }
        PyTuple_SET_ITEM(taken, i, copy);
    }
    for (Py_ssize_t i = 0; taken != NULL && i < PARTS; i++) {
        PyDict_Clear(dicts[i]);
    }
    return taken;
}

PyObject *
taken_all(TracerObject *tracer)
{
    /* Before 3.12 it may run the program's finalizers wherever a dict grows.
     */
    int collects = PyGC_Disable();
    sync_enter(&tracer->section);
    PyObject *taken = NULL;
    if (bring_in(tracer) == 0) {
        PyObject *const dicts[PARTS] = {tracer->counts, tracer->branches,
                                        tracer->calls, tracer->call_graph};
        if (PyDict_Check(tracer->counts)) {
            taken = hand_over(dicts);
        }
        else {
            PyErr_SetString(PyExc_TypeError, "counts is no dict any more");
        }
    }
    sync_leave(&tracer->section);
    if (collects) {
        (void)PyGC_Enable();
    }
    return taken;
}

const char taken_doc[] = PyDoc_STR(
    "_take($self, /)\n--\n\n"
    "(counts, branches, calls, call_graph) since the last time, all as of\n"
    "one moment.");

PyObject *
taken_by_caller(TracerObject *tracer, PyObject *Py_UNUSED(ignored))
{
    return taken_all(tracer);
}
