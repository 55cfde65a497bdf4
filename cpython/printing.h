// SPDX-License-Identifier: Apache-2.0
/* Printing with options that the standard module has not: the trace function
 * that takes the place of the one in settrace.c then. It counts, too, if that
 * is asked for.
 */
#ifndef XT_PRINTING_H
#define XT_PRINTING_H

#include "session.h"

/* `_print_by(**options)`, with which the Python side says what is wanted. */
PyObject *printing_configure(TracerObject *self, PyObject *args,
                             PyObject *kwargs);
extern const char printing_configure_doc[];

/* `check_lines(text)`: whether ranges of lines can be read from it. */
PyObject *printing_check_lines(PyObject *module, PyObject *text);
extern const char printing_check_lines_doc[];

/* Frees what the tracer holds for this, if anything. */
void printing_free(TracerObject *self);
int printing_traverse(TracerObject *self, visitproc visit, void *arg);

/* For a run that begins, or one that has ended: nothing without options. -1
   with an exception. The end shows the last lines if an exception that ends
   the program is set, which stays set. */
int printing_begin(TracerObject *self);
int printing_end(TracerObject *self);
void printing_show_last(TracerObject *self);

/* The trace function, for PyEval_SetTrace(). */
int printing_event(PyObject *handle, PyFrameObject *frame, int what,
                   PyObject *arg);

/* As in settrace.h. */
int printing_call(TracerObject *self, PyFrameObject *frame);
int printing_take_frames(TracerObject *self);

#endif
