// SPDX-License-Identifier: Apache-2.0
/* How Python itself shows an exception that nobody caught. */
#ifndef XT_DISPLAY_H
#define XT_DISPLAY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef display_methods[];

#endif
