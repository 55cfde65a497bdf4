// SPDX-License-Identifier: Apache-2.0
/* The variables of a frame, and which of them have changed.
 *
 * No reference to a value is kept that could be noticed: of most values only
 * a hash of what was shown. Reading them leaves no trace in the frame.
 */
#ifndef XT_VARIABLES_H
#define XT_VARIABLES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* What the variables of a frame are now: a list of (name, value), in the order
   of the code; those of a module or class as its dict has them. A new
   reference, or NULL with an exception. */
PyObject *variables_of(PyFrameObject *frame, PyCodeObject *code);

typedef struct {
    PyObject *name;  /* owned */
    PyObject *value; /* owned, if it is one that nobody can tell apart, or
                        NULL */
    uint64_t hash;   /* of what was shown */
    unsigned round;  /* the last one in which it was there */
} variable;

/* Zero is valid: nothing is known. */
typedef struct {
    variable *items; /* owned */
    size_t len;
    size_t cap;
    unsigned round; /* counts the looks that were taken */
} variable_table;

void variables_fini(variable_table *table);

/* Looks at the variables once more. Appends a line " ... name = value" for
   each that is new or shows another value, and " ... del name" for each that
   is gone. -1 with an exception, see shortrepr_add(). */
int variables_update(variable_table *table, PyFrameObject *frame,
                     PyCodeObject *code, xt_buf *changes);

#endif
