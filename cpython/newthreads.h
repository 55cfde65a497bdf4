// SPDX-License-Identifier: Apache-2.0
/* Threads that a program starts by functions of `_thread`: they are traced as
 * those are that it starts by `threading`, which has the trace function for
 * new threads but does not hear of these.
 *
 * `_thread` is given something in the place of the program's function that has
 * the new thread traced and then calls it. Audit hooks see that; else nobody.
 */
#ifndef XT_NEWTHREADS_H
#define XT_NEWTHREADS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* From now on, whenever the trace function that `threading` has for new
   threads is a method as `handle` is (Tracer._thread_event), new threads are
   traced by its tracer. Does nothing but in the main interpreter. -1 with an
   exception. */
int newthreads_watch(PyObject *handle);

#endif
