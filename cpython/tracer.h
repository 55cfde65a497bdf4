// SPDX-License-Identifier: Apache-2.0
/* The type Tracer: runs a program, records it, and gives out the results. */
#ifndef XT_TRACER_H
#define XT_TRACER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the type Tracer and the mode's constants to the module. -1 with an
   exception. */
int tracer_init(PyObject *module);

#endif
