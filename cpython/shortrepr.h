// SPDX-License-Identifier: Apache-2.0
/* A repr that is good to look at and harmless: bounded in length however large
   the value is, and never an exception, whatever the value does. */
#ifndef XT_SHORTREPR_H
#define XT_SHORTREPR_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "buf.h"

/* What is written of a value, in bytes: about so much, and never twice that.
 */
enum { SHORTREPR_MAX = 200 };

/* Appends it in UTF-8. Of what is built in, the first items are shown; a
   `__repr__` of the program's own is called, and one that fails is shown as
   "<repr failed: TypeError>". -1 with an exception: out of memory, or what
   belongs to the program (Ctrl-C). */
int shortrepr_add(xt_buf *buf, PyObject *value);

/* The same for "TypeError: text", with the text of str(). */
int shortrepr_add_exception(xt_buf *buf, PyObject *type, PyObject *value);

/* Appends text. -1 with an exception. */
int shortrepr_add_text(xt_buf *buf, const char *text);
int shortrepr_add_str(xt_buf *buf, PyObject *text);

#endif
