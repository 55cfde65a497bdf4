// SPDX-License-Identifier: Apache-2.0
/* Which functions were called, and by which.
 *
 * The results are the standard module's dicts. A small cache of code objects
 * in front of each says for most calls that there is nothing new.
 */
#ifndef XT_FUNCTIONS_H
#define XT_FUNCTIONS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "sync.h"

enum { FUNCTIONS_RECENT = 2048 };

typedef struct {
    PyObject *modname;     /* owned: compat._modname */
    PyObject *root;        /* owned: the key of the caller that is us */
    PyFrameObject *outer;  /* owned: the frame that started the run, or NULL */
    PyObject *calledfuncs; /* owned: dict {function: 1} or NULL */
    PyObject *callers;     /* owned: dict {(caller, callee): 1} or NULL */
    sync_lock lock;        /* guards all of it */
    struct {
        PyCodeObject *caller; /* owned, or NULL */
        PyCodeObject *callee; /* owned, or NULL */
    } recent[FUNCTIONS_RECENT];
} function_table;

/* Drops everything that the table owns; it is then empty and reusable. */
void functions_clear(function_table *table);

/* Puts `value` (owned, or NULL) into a field of the table; drops what that
   had. */
void functions_set(function_table *table, PyObject **field, PyObject *value);

/* Puts `outer` (owned, or NULL) there; returns what was there, owned. */
PyFrameObject *functions_swap_outer(function_table *table,
                                    PyFrameObject *outer);

int functions_traverse(function_table *table, visitproc visit, void *arg);

/* (filename, module name, function name), a new reference: a method is named
   with its class, from co_qualname. `modname` is the callable that makes a
   module name from a file name. */
PyObject *functions_name(PyObject *modname, PyCodeObject *code);

/* Note that `code` was called; that the code of `frame` was called by the
   frame behind it. -1 with an exception. */
int functions_note(function_table *table, PyCodeObject *code);
int functions_note_caller(function_table *table, PyFrameObject *frame);

#endif
