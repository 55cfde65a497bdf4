// SPDX-License-Identifier: Apache-2.0
/* Events of sys.monitoring that count: exceptions in rewritten code, and all
 * there is to count in code that is not rewritten.
 */
#ifndef XT_EVENTS_H
#define XT_EVENTS_H

#include "engine.h"

/* The callbacks for RAISE and RERAISE, LINE and JUMP; for BRANCH, or for
   BRANCH_LEFT and BRANCH_RIGHT from 3.14 on; and for INSTRUCTION. */
PyObject *events_raised(EngineObject *self, PyObject *const *args,
                        Py_ssize_t nargs);
PyObject *events_raised_again(EngineObject *self, PyObject *const *args,
                              Py_ssize_t nargs);
PyObject *events_line(EngineObject *self, PyObject *const *args,
                      Py_ssize_t nargs);
PyObject *events_jumped(EngineObject *self, PyObject *const *args,
                        Py_ssize_t nargs);
PyObject *events_branched(EngineObject *self, PyObject *const *args,
                          Py_ssize_t nargs);
PyObject *events_stepped(EngineObject *self, PyObject *const *args,
                         Py_ssize_t nargs);

#endif
