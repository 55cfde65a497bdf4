// SPDX-License-Identifier: Apache-2.0
/* Prints each line before it runs, as `trace --trace` does.
 *
 * The text of a line is put together once and kept with its file, for as long
 * as linecache keeps the same source for that file.
 */
#ifndef XT_LINELOG_H
#define XT_LINELOG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "files.h"
#include "sync.h"

typedef struct {
    PyObject *sys;       /* owned: dict of the module sys */
    PyObject *linecache; /* owned: dict of the module linecache */
    PyObject *basename;  /* owned: os.path.basename */
    PyObject *monotonic; /* owned: time.monotonic */
    bool timed;          /* begin lines with a time stamp */
    double start;        /* what it counts from, seconds on that clock */
    PyObject *s_stdout, *s_write, *s_cache, *s_getline; /* owned */
    SYNC_SHARED(bool) broken; /* writing failed: print no more */
} line_log;

/* Gets ready to print, with time stamps relative to `start` unless that is
   false. -1 with an exception. */
int linelog_init(line_log *log, PyObject *start);
void linelog_clear(line_log *log);
int linelog_traverse(line_log *log, visitproc visit, void *arg);

/* Print to the sys.stdout of the moment. -1 with an exception; the caller
   decides what becomes of it. */
int linelog_line(line_log *log, traced_file *file, int line);
int linelog_call(line_log *log, PyObject *modulename, PyObject *funcname);

#endif
