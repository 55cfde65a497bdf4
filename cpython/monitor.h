// SPDX-License-Identifier: Apache-2.0
/* Calls, by callbacks of sys.monitoring (PEP 669, CPython 3.12).
 *
 * It serves the modes that look at calls. Lines then cost nothing, and a
 * function that is merely listed costs nothing after its first call, for the
 * event is switched off there. All threads are seen, however they were
 * started.
 */
#ifndef XT_MONITOR_H
#define XT_MONITOR_H

#include "session.h"

/* Starts to note calls in this thread, for the mode of the session. Returns 1
   when on, 0 when this interpreter has no sys.monitoring or no free tool id,
   -1 with an exception. */
int monitor_begin(TracerObject *self);

/* Ends what monitor_begin() began, whether or not an exception is set. */
void monitor_end(TracerObject *self);

/* Notes calls in the current thread no longer, until the next begin. */
void monitor_leave_thread(TracerObject *self);

/* What makes code run: a call, the next item wanted of a generator, a throw
   into one. The standard module takes them all for calls; only the first is
   counted as one. */
typedef enum {
    MONITOR_START,
    MONITOR_RESUME,
    MONITOR_THROW, /* its event cannot be switched off */
} monitor_event;

/* The callback when `code` begins to run, or goes on: None, or sys.monitoring.
   DISABLE when the same event needs no second callback. */
PyObject *monitor_call(TracerObject *self, PyCodeObject *code,
                       monitor_event event);

#endif
