// SPDX-License-Identifier: Apache-2.0
/* Running a program as Python itself would: what only C can do of it. */
#ifndef XT_PROGRAM_H
#define XT_PROGRAM_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef program_methods[];

#endif
