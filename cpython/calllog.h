// SPDX-License-Identifier: Apache-2.0
/* What is printed of calls: arguments, and how frames are left. Each function
   appends one line in UTF-8; -1 with an exception, see shortrepr_add(). */
#ifndef XT_CALLLOG_H
#define XT_CALLLOG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "buf.h"

typedef enum {
    CALLLOG_RETURNS,
    CALLLOG_YIELDS,
    CALLLOG_RAISES,
} calllog_end;

/* " --> module.function(a=1, *args=())", or "... resumed". */
int calllog_add_call(xt_buf *buf, PyObject *label, PyFrameObject *frame,
                     PyCodeObject *code, bool resumed);

/* " <-- module.function returns 1"; with CALLLOG_RAISES `value` is the name of
   an exception, or NULL. */
int calllog_add_end(xt_buf *buf, PyObject *label, calllog_end end,
                    PyObject *value);

/* " *** TypeError: text", of the argument of an exception event. */
int calllog_add_exception(xt_buf *buf, PyObject *arg);

/* Whether a call event goes on with a frame that was left by a yield. */
bool calllog_is_resumed(PyFrameObject *frame, PyCodeObject *code);

/* How the frame of a return event is left. `raising` says that there was an
   exception in it, and no line since. */
calllog_end calllog_how_left(PyFrameObject *frame, PyCodeObject *code,
                             bool raising);

#endif
