// SPDX-License-Identifier: Apache-2.0
/* The functions that have rewritten code, which all get their own back.
 *
 * CPython tells of functions that are made, get other code, or end (C API,
 * "Function Objects", PyFunction_AddWatcher()), so they are known when they
 * are asked for. To look for them among all objects takes milliseconds, even
 * in a small program.
 *
 * Workload: a note when a function's code is first rewritten, and one for
 * each closure that is made of rewritten code. A program may make these
 * without end: then watching is given up, as a search costs less.
 */
#ifndef XT_HOLDERS_H
#define XT_HOLDERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "ptrmap.h"

/* Zero is valid: nobody watches. */
typedef struct {
    bool watched; /* so that `known` is complete */
    int watcher;  /* CPython's number of it, while there is one */
    size_t left;  /* how many more notes are worth their time */
    xt_ptrmap
        known; /* borrowed: functions; they are forgotten when they end */
} code_holders;

/* Begins to watch. Never fails: if others have taken all watchers, nothing is
   watched. */
void holders_begin(code_holders *holders);

/* Ends that. Returns the functions that have rewritten code, and things that
   are no functions, in a new list; NULL, without an exception, if they are not
   known. */
PyObject *holders_end(code_holders *holders);

#endif
