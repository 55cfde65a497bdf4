// SPDX-License-Identifier: Apache-2.0
/* The settrace engine: a C trace function (PyEval_SetTrace).
 *
 * For every call it decides whether the new frame is wanted; for every line
 * of a wanted frame it counts or prints. What it sees is what sys.settrace
 * would see, so its counts are exact by construction.
 */
#ifndef XT_SETTRACE_H
#define XT_SETTRACE_H

#include "session.h"

/* Traces the current thread from now on. `handle` is the tracer's bound method
   `_event`, which sys.gettrace() will show. -1 with an exception. */
int settrace_install(TracerObject *self, PyObject *handle);

/* Has threads traced whose code runs already, with the frames that they are
   in, as newcomers.h says. -1 with an exception. */
int settrace_take_threads(TracerObject *self, PyObject *handle);

/* What comes before the event `what` of a frame, given to the trace function
   with `handle`: 0 if it is to be handled, 1 if not, -1 with an exception. */
int settrace_meet(TracerObject *self, PyObject *handle, PyFrameObject *frame,
                  int what);

/* Whether threads may run code without our being told: where lines are counted
   without the GIL, in an interpreter that the program has made. What it is
   given to run, runs in a thread state of its own each time. */
bool settrace_has_newcomers(const TracerObject *self);

/* Has this thread traced if it was not in this run, beginning with the call
   that it is in. -1 with an exception. */
int settrace_take_newcomer(TracerObject *self);

/* Forgets where this thread was: it is not traced any more. */
void settrace_left(TracerObject *self);

/* Handles a call event that came another way. -1 with an exception. */
int settrace_call(TracerObject *self, PyFrameObject *frame);

/* Has the frames of this thread traced that run already. -1 with an
   exception. */
int settrace_take_frames(TracerObject *self);

#endif
