// SPDX-License-Identifier: Apache-2.0
/* A last word before a process ends, or becomes another program, in a way that
 * Python is not told of: os._exit(), os.execv(), os.execve().
 */
#ifndef XT_LEAVING_H
#define XT_LEAVING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* before_leaving(). */
extern PyMethodDef leaving_methods[];

#endif
