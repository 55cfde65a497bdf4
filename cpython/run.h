// SPDX-License-Identifier: Apache-2.0
/* Runs: what the program does between the start and the end of tracing. */
#ifndef XT_RUN_H
#define XT_RUN_H

#include "session.h"

/* Asks the Python side what is wanted now, and gets ready for it. Returns 1
   when an engine can do it, 0 when a hook was replaced and the slow path must,
   -1 with an exception. `name` is what the callers' report calls the run. */
int run_plan(TracerObject *self, const char *name);

/* Whether a thread that is traced needs a trace function: what the mode asks
   for is not all done by events. */
bool run_needs_trace(const TracerObject *self);

/* The tracer's bound method `_event`: a new reference. */
PyObject *run_handle(TracerObject *self);

/* Calls `func` (as PyObject_Vectorcall) with tracing on in this thread and in
   those that it starts, and restores what traced before. */
PyObject *run_call(TracerObject *self, const char *name, PyObject *func,
                   PyObject *const *args, size_t nargs, PyObject *kwnames);

/* As run_call(), but other threads go on being traced, and so do those that
   they start, until run_end_program(): for a program, which Python lets end
   its threads when its own code has ended. */
PyObject *run_program(TracerObject *self, PyObject *func,
                      PyObject *const *args, size_t nargs);

/* Ends what run_program() began; nothing if there is nothing. -1 with an
   exception. */
int run_end_program(TracerObject *self);

/* Begins to trace where the caller stands, in this thread and in those that it
   starts from now on. -1 with an exception; so if it was begun already. */
int run_start(TracerObject *self);

/* Ends what run_start() began. -1 with an exception. */
int run_stop(TracerObject *self);

/* Frees what run_start() keeps, of a tracer that is being freed. */
void run_forget(TracerObject *self);

#endif
