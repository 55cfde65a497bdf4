// SPDX-License-Identifier: Apache-2.0
/* Printing with options that the standard module has not: the trace function
 * that takes the place of the one in settrace.c then. It counts, too, if that
 * is asked for.
 */
#ifndef XT_PRINTING_H
#define XT_PRINTING_H

#include "output.h"
#include "select.h"
#include "session.h"

struct printing {
    output out;
    selection select;
    bool calls;                /* headers have arguments, ends are printed */
    bool changes;              /* changes of variables are printed */
    bool deep;                 /* depths are needed */
    SYNC_SHARED(bool) running; /* there is a run that has not ended */
};
typedef struct printing printing;

/* `_print_in_child(path)` and `_show_last()`. */
PyObject *printing_in_child(TracerObject *self, PyObject *path);
extern const char printing_in_child_doc[];
PyObject *printing_show(TracerObject *self, PyObject *ignored);
extern const char printing_show_doc[];

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

/* A frame (or NULL) and those that have called it, the innermost first: a new
   list, or NULL with an exception. */
PyObject *printing_stack(PyFrameObject *top);

/* As in settrace.h; the second takes the frame `top` (or NULL) and those that
   have called it. */
int printing_call(TracerObject *self, PyFrameObject *frame);
int printing_take_frames(TracerObject *self, PyFrameObject *top);

#endif
