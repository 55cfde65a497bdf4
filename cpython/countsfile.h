// SPDX-License-Identifier: Apache-2.0
#ifndef XT_COUNTSFILE_H
#define XT_COUNTSFILE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef countsfile_methods[];

#endif
