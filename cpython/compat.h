// SPDX-License-Identifier: Apache-2.0
/* Where versions of CPython differ. PY_VERSION_HEX occurs nowhere else. */
#ifndef XT_COMPAT_H
#define XT_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* How the standard module prints "file(line): source" (changed in 3.13):
   what stands between the number and the source, and what follows the number
   when there is no source. */
#if PY_VERSION_HEX >= 0x030D0000
#define COMPAT_BEFORE_SOURCE ":  "
#define COMPAT_NO_SOURCE "\n"
#else
#define COMPAT_BEFORE_SOURCE ": "
#define COMPAT_NO_SOURCE ": "
#endif

#endif
