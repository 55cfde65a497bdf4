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

enum { LINELOG_HEADERS = 256 };

/* The header of a call. */
typedef struct {
    PyObject *module, *function, *text; /* owned, or all NULL */
} linelog_header_text;

typedef struct {
    PyObject *sys;           /* owned: dict of the module sys */
    PyObject *linecache;     /* owned: dict of the module linecache */
    PyObject *basename;      /* owned: os.path.basename */
    PyObject *monotonic;     /* owned: time.monotonic */
    SYNC_SHARED(bool) timed; /* begin lines with a time stamp */
    SYNC_SHARED(double)
    start; /* what it counts from, seconds on that clock */
    PyObject *s_stdout, *s_write, *s_cache, *s_getline; /* owned */
    PyObject *text_type; /* owned: io.TextIOWrapper */
    PyCFunction write;   /* its method, a function of C; or NULL */

    SYNC_SHARED(int) watcher; /* of the dicts above, or -1 */
    PyObject *out;            /* borrowed: sys.stdout, and it is_plain(), */
    SYNC_SHARED(uint64_t)
    looked; /* as it was with so many dictwatch_changes(), or 0 */
    SYNC_SHARED(bool) broken; /* writing failed: print no more */

    /* The headers of calls that were made last, by the addresses of their
       parts. */
    sync_lock lock; /* guards them */
    linelog_header_text headers[LINELOG_HEADERS];
} line_log;

/* Gets ready to print, with time stamps relative to `start` unless that is
   false. `watcher`: of dictwatch.h. -1 with an exception. */
int linelog_init(line_log *log, PyObject *start, int watcher);
void linelog_clear(line_log *log);
int linelog_traverse(line_log *log, visitproc visit, void *arg);

/* Print to the sys.stdout of the moment. -1 with an exception; the caller
   decides what becomes of it. */
int linelog_line(line_log *log, traced_file *file, int line);
int linelog_call(line_log *log, PyObject *modulename, PyObject *funcname);

/* The text of a line, as printed: a new reference, or NULL with an
   exception. */
PyObject *linelog_text(line_log *log, traced_file *file, int line);

/* " --- modulename: ..., funcname: ...", and a line feed: a new reference, or
   NULL with an exception. */
PyObject *linelog_header(line_log *log, PyObject *modulename,
                         PyObject *funcname);

/* The seconds since the start and a space, to be freed with PyMem_Free(). NULL
   with an exception. */
char *linelog_stamp(line_log *log);

/* Prints any text to the sys.stdout of the moment. -1 with an exception. */
int linelog_print(line_log *log, PyObject *text);

/* What that is: borrowed, or NULL without an exception. */
PyObject *linelog_stdout(line_log *log);

#endif
