// SPDX-License-Identifier: Apache-2.0
/* The type Merge: the sum of counts files (core/store/merge.h). */
#ifndef XT_MERGING_H
#define XT_MERGING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Adds the type to the module. Returns -1 with an exception on failure. */
int merging_init(PyObject *module);

#endif
