// SPDX-License-Identifier: Apache-2.0
/* Prints lines by events of sys.monitoring, on CPython 3.12 and later: where
 * lines go to a file or a ring, and nothing is asked for that needs frames.
 *
 * What a code object is to print is settled when it first begins to run: only
 * then its lines and jumps are watched, and code that is left out costs
 * nothing any more. The trace function (printing.c) has an event for every
 * line of it, and a frame object made for every call. What is printed is the
 * same; all threads are seen, and the program keeps its trace functions.
 */
#ifndef XT_PRINTENGINE_H
#define XT_PRINTENGINE_H

#include "session.h"

typedef struct print_engine print_engine;

/* Prints for a tracer from now on, if its plan allows it and can be had so: 1
   if it does, 0 if not, -1 with an exception. */
int printengine_begin(TracerObject *self);

/* Has the frames that run already printed from where they are: those of this
   thread, with the headers of their calls, or those of all others. -1 with an
   exception. */
int printengine_take_frames(TracerObject *self);
int printengine_take_threads(TracerObject *self);

/* This thread is not printed any more. */
void printengine_leave_thread(TracerObject *self);

/* Ends what printengine_begin() began, if anything; an exception that is set
   stays. */
void printengine_end(TracerObject *self);

/* The callbacks. */
PyObject *printengine_started(TracerObject *self, PyObject *const *args,
                              Py_ssize_t nargs);
PyObject *printengine_thrown(TracerObject *self, PyObject *const *args,
                             Py_ssize_t nargs);
PyObject *printengine_line(TracerObject *self, PyObject *const *args,
                           Py_ssize_t nargs);
PyObject *printengine_jumped(TracerObject *self, PyObject *const *args,
                             Py_ssize_t nargs);

#endif
