// SPDX-License-Identifier: Apache-2.0
/* What a tracer has counted, handed over. */
#ifndef XT_TAKEN_H
#define XT_TAKEN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "session.h"

/* (counts, branches, calls, call_graph) since the last time, as new dicts; the
   tracer's own are empty then. With the GIL, all of it is as of one moment: no
   code of the program runs meanwhile. NULL with an exception: nothing is
   taken.
 */
PyObject *taken_all(TracerObject *tracer);

/* tracer._take(). */
PyObject *taken_by_caller(TracerObject *tracer, PyObject *ignored);

extern const char taken_doc[];

/* tracer._end_context(). */
PyObject *taken_end_context(TracerObject *tracer, PyObject *args);

extern const char taken_context_doc[];

#endif
