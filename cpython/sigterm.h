// SPDX-License-Identifier: Apache-2.0
/* A last word when SIGTERM ends a process that has no handler for it.
 *
 * A handler of ours is installed where the program has none, and the program
 * is told that there is none: what it sets, asks for and gets back is as
 * without us.
 */
#ifndef XT_SIGTERM_H
#define XT_SIGTERM_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* What is called when SIGTERM comes to that handler, which may be in the midst
   of anything; and just before it ends the process, when Python code has seen
   to it, or after some time without. Both may be in a signal handler. */
void sigterm_call(void (*at_arrival)(void), void (*before_end)(void));

/* before_sigterm(), end_by_sigterm() and renew_sigterm(). */
extern PyMethodDef sigterm_methods[];

#endif
