// SPDX-License-Identifier: Apache-2.0
/* Events of sys.monitoring that count, in code that is not rewritten. */
#ifndef XT_EVENTS_H
#define XT_EVENTS_H

#include "engine.h"

/* The line of which a jump, as JUMP tells of it, is an event by itself: one
   that goes back within that line. -1 if it is none. */
int events_line_of_jump(PyObject *const *args);

/* The callbacks for LINE and JUMP; for BRANCH, or for BRANCH_LEFT and
   BRANCH_RIGHT from 3.14 on; for INSTRUCTION; and for PY_RETURN. */
PyObject *events_line(EngineObject *self, PyObject *const *args,
                      Py_ssize_t nargs);
PyObject *events_jumped(EngineObject *self, PyObject *const *args,
                        Py_ssize_t nargs);
PyObject *events_branched(EngineObject *self, PyObject *const *args,
                          Py_ssize_t nargs);
PyObject *events_stepped(EngineObject *self, PyObject *const *args,
                         Py_ssize_t nargs);
PyObject *events_returned(EngineObject *self, PyObject *const *args,
                          Py_ssize_t nargs);

#endif
