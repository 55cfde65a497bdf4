// SPDX-License-Identifier: Apache-2.0
/* Where exceptions take control: out of an instruction, to a handler or out of
 * the frame.
 *
 * RAISE would tell the former, but it comes, before 3.15, also where an
 * iterator or an awaitable ends, for which nothing has to be counted. Each
 * other RAISE, and each RERAISE, is followed by EXCEPTION_HANDLED or PY_UNWIND
 * in the same frame, with nothing in between (Python/ceval.c and bytecodes.c
 * of CPython 3.12 to 3.15), and the frame still stands where it stood. So
 * these two are enough, with PY_THROW, as what is thrown in interrupts
 * nothing. What RERAISE does is part of the flow of control (graph.h).
 */
#ifndef XT_EXCEPTIONS_H
#define XT_EXCEPTIONS_H

#include "engine.h"

/* The callbacks for EXCEPTION_HANDLED, PY_UNWIND and PY_THROW. */
PyObject *exceptions_handled(EngineObject *self, PyObject *const *args,
                             Py_ssize_t nargs);
PyObject *exceptions_unwound(EngineObject *self, PyObject *const *args,
                             Py_ssize_t nargs);
PyObject *exceptions_thrown(EngineObject *self, PyObject *const *args,
                            Py_ssize_t nargs);

#endif
