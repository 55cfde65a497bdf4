// SPDX-License-Identifier: Apache-2.0
/* The options of printing, as the Python side says them. */
#ifndef XT_PRINTOPTIONS_H
#define XT_PRINTOPTIONS_H

#include "session.h"

/* `_print_by(**options)`, with which the Python side says what is wanted. */
PyObject *printing_configure(TracerObject *self, PyObject *args,
                             PyObject *kwargs);
extern const char printing_configure_doc[];

/* `share_stdout()`: tracefile_share_stdout(). */
PyObject *printing_share_stdout(PyObject *module, PyObject *ignored);
extern const char printing_share_stdout_doc[];

/* `check_lines(text)`: whether ranges of lines can be read from it. */
PyObject *printing_check_lines(PyObject *module, PyObject *text);
extern const char printing_check_lines_doc[];

#endif
