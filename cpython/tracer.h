// SPDX-License-Identifier: Apache-2.0
/* The type Tracer: the settrace engine, and what runs a program under it.
 *
 * The engine is a C trace function (PyEval_SetTrace). For every call it
 * decides whether the new frame is wanted; for every line of a wanted frame it
 * counts or prints. What it sees is what sys.settrace would see, so its counts
 * are exact by construction.
 */
#ifndef XT_TRACER_H
#define XT_TRACER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What a tracer is asked to do: bits of its mode. */
enum {
    TRACER_COUNT = 1,
    TRACER_LINES = 2,
    TRACER_FUNCTIONS = 4,
    TRACER_CALLERS = 8,
};

/* Adds the type Tracer and the mode's constants to the module. -1 with an
   exception. */
int tracer_init(PyObject *module);

#endif
