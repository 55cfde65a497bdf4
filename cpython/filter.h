// SPDX-License-Identifier: Apache-2.0
/* The type Rules: core/filter/rules.h for the Python side. */
#ifndef XT_FILTER_H
#define XT_FILTER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the type Rules to the module. -1 with an exception. */
int filter_init(PyObject *module);

#endif
