// SPDX-License-Identifier: Apache-2.0
/* The extension module's state: one per interpreter. */
#ifndef XT_MODULE_H
#define XT_MODULE_H

#include "compat.h"

typedef struct {
    PyObject *engine; /* owned: what counts lines, or None where it cannot */
    int watcher;      /* see dictwatch.h; -1: none, or not needed yet */
} module_state;

/* The state of the module that a type (or a base of it) comes from, borrowed;
   NULL with an exception. */
module_state *module_state_of(PyTypeObject *type);

#endif
