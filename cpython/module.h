// SPDX-License-Identifier: Apache-2.0
#ifndef XT_MODULE_H
#define XT_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What one import of the extension owns. There is no other mutable state. */
typedef struct {
    PyTypeObject *tracer_type; /* owned */
} module_state;

static inline module_state *
module_get_state(PyObject *module)
{
    return (module_state *)PyModule_GetState(module);
}

#endif
