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

/* Whether an action (struct sigaction) is our handler, which stands for what
   the system does by default. */
int sigterm_is_action(const void *action);

/* before_sigterm() and renew_sigterm(). */
extern PyMethodDef sigterm_methods[];

#endif
