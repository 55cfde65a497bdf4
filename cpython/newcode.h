// SPDX-License-Identifier: Apache-2.0
/* A code object like another, with rewritten bytecode.
 */
#ifndef XT_NEWCODE_H
#define XT_NEWCODE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "rewrite.h"

/* A new code object that is like `original` in all but what `rewrite` has, its
   constants and the size of its stack. NULL with an exception. */
PyCodeObject *newcode_make(PyCodeObject *original, const xt_rewrite *rewrite,
                           PyObject *consts, int stack);

#endif
