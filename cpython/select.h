// SPDX-License-Identifier: Apache-2.0
/* Which of the frames that are traced are printed, and which of their lines:
 * the filters of printing. Counting knows nothing of them.
 */
#ifndef XT_SELECT_H
#define XT_SELECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "files.h"
#include "ptrmap.h"
#include "sync.h"

typedef struct {
    PyObject *module;  /* owned: called with globals, says whether their module
                          is printed; NULL: all are */
    PyObject *modules; /* owned: dict {__file__: what it said} */
    PyObject *functions;     /* owned: tuple of str, or NULL: all */
    PyObject *lines;         /* owned: tuple of (file, ranges), or NULL: all */
    PyObject *threads;       /* owned: tuple of str, or NULL: all */
    int max_depth;           /* 0: any */
    bool imports;            /* the import system is printed, too */
    sync_lock lock;          /* guards the three below */
    xt_ptrmap known_threads; /* id + 1 of a thread -> whether it is printed */
    uint64_t hot_thread;     /* id + 1 of the last thread; 0: none */
    bool hot_verdict;
} selection;

/* Zero is a valid selection, of all but the import system. */
void select_fini(selection *select);
int select_traverse(selection *select, visitproc visit, void *arg);

/* Each returns 1 or 0, or -1 with an exception. */
int select_thread(selection *select); /* the current one */
int select_module(selection *select, PyObject *filename, PyObject *globals);
int select_function(selection *select, PyCodeObject *code);

/* Settles `file->choice`. -1 with an exception. */
int select_file(selection *select, traced_file *file);

/* Whether a line is printed, of a file for which that is settled. */
static inline bool
select_line(const traced_file *file, int line)
{
    return file->choice == CHOICE_ALL || (file->choice == CHOICE_RANGES &&
                                          xt_ranges_has(&file->ranges, line));
}

#endif
