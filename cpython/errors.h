// SPDX-License-Identifier: Apache-2.0
/* The only place where a status of the core becomes a Python exception. */
#ifndef XT_ERRORS_H
#define XT_ERRORS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "status.h"

/* Sets the exception that belongs to a status other than XT_OK and returns
   NULL: MemoryError, OSError from errno, or ValueError with the name of
   `what` in front. */
PyObject *errors_raise(xt_status status, const char *what);

#endif
