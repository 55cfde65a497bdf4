// SPDX-License-Identifier: Apache-2.0
/* Functions of ours that Python calls in the midst of the traced program: when
 * a signal comes, in a forked child, before the process ends. What they do is
 * none of the program's, and is not traced.
 */
#ifndef XT_UNTRACED_H
#define XT_UNTRACED_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef untraced_methods[];

#endif
