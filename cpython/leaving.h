// SPDX-License-Identifier: Apache-2.0
/* A last word before a process ends, or becomes another program, in a way that
 * Python is not told of: os._exit(), os.execv(), os.execve().
 */
#ifndef XT_LEAVING_H
#define XT_LEAVING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Has a function called then, with the GIL held, from now on; once for each
   function. In another interpreter than the main one nothing happens. -1 with
   an exception. */
int leaving_call(void (*function)(void));

/* before_leaving() and leave(). */
extern PyMethodDef leaving_methods[];

#endif
