// SPDX-License-Identifier: Apache-2.0
/* In place of engine.c on CPython 3.11, which has no sys.monitoring. */
#include "engine.h"
#include "keptcode.h"
#include "monitor.h"
#include "outcomes.h"
#include "printengine.h"

PyObject *
engine_new(PyObject *Py_UNUSED(module))
{
    return Py_NewRef(Py_None);
}

int
engine_begin(EngineObject *Py_UNUSED(self), TracerObject *Py_UNUSED(tracer))
{
    return 0;
}

void
engine_end(EngineObject *Py_UNUSED(self), TracerObject *Py_UNUSED(tracer))
{
}

void
engine_drop(EngineObject *Py_UNUSED(self), TracerObject *Py_UNUSED(tracer))
{
}

void
engine_leave_thread(EngineObject *Py_UNUSED(self),
                    TracerObject *Py_UNUSED(tracer))
{
}

int
engine_harvest(EngineObject *Py_UNUSED(self), TracerObject *Py_UNUSED(tracer))
{
    return 0;
}

int
engine_harvest_lines(EngineObject *Py_UNUSED(self),
                     TracerObject *Py_UNUSED(tracer))
{
    return 0;
}

int
engine_take_frames(EngineObject *Py_UNUSED(self))
{
    return 0;
}

int
engine_take_threads(EngineObject *Py_UNUSED(self))
{
    return 0;
}

void
keptcode_begin(TracerObject *Py_UNUSED(tracer))
{
}

bool
keptcode_end(TracerObject *Py_UNUSED(tracer), kept_file *Py_UNUSED(journal))
{
    return true;
}

int
monitor_begin(TracerObject *Py_UNUSED(self))
{
    return 0;
}

void
monitor_end(TracerObject *Py_UNUSED(self))
{
}

void
monitor_leave_thread(TracerObject *Py_UNUSED(self))
{
}

PyObject *
monitor_call(TracerObject *Py_UNUSED(self), PyCodeObject *Py_UNUSED(code),
             monitor_event Py_UNUSED(event))
{
    Py_RETURN_NONE;
}

int
printengine_begin(TracerObject *Py_UNUSED(self))
{
    return 0;
}

int
printengine_take_frames(TracerObject *Py_UNUSED(self))
{
    return 0;
}

int
printengine_take_threads(TracerObject *Py_UNUSED(self))
{
    return 0;
}

void
printengine_leave_thread(TracerObject *Py_UNUSED(self))
{
}

void
printengine_end(TracerObject *Py_UNUSED(self))
{
}

#define MISSING(name)                                                         \
    PyObject *name(TracerObject *Py_UNUSED(self),                             \
                   PyObject *const *Py_UNUSED(args),                          \
                   Py_ssize_t Py_UNUSED(nargs))                               \
    {                                                                         \
        Py_RETURN_NONE;                                                       \
    }
MISSING(printengine_started)
MISSING(printengine_thrown)
MISSING(printengine_line)
MISSING(printengine_jumped)
#undef MISSING

static PyObject *
possible_branches(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(code))
{
    return PyDict_New();
}

static PyObject *
branch_steps(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(code))
{
    return PyList_New(0);
}

PyMethodDef outcomes_methods[] = {
    {"possible_branches", possible_branches, METH_O, NULL},
    {"branch_steps", branch_steps, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
