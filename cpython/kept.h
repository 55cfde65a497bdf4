// SPDX-License-Identifier: Apache-2.0
/* The journal of a tracer: what it counts, it counts in a mapped file
 * (core/store/journal.h). There is at most one per process.
 *
 * Counters of probes lie in the file themselves. Lines that are counted by
 * events, and calls, have a second counter there.
 */
#ifndef XT_KEPT_H
#define XT_KEPT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "journal.h"
#include "session.h"

struct probed_code;

typedef struct kept_file {
    xt_journal journal;
    struct probed_code *probed; /* borrowed: the first whose counters are in
                                   the file */
    uint64_t thread;            /* the id of the one whose frames are noted */
} kept_file;

/* Adds a string of Python's. False when there is no room; exceptions are
   cleared. */
bool kept_string(xt_journal *journal, PyObject *text, uint32_t *number);

/* In a child of fork(), before anything is counted there. */
void kept_in_child(void);

/* Ends it. What was counted stays in the file. */
void kept_close(TracerObject *tracer);

/* tracer._keep_in(), tracer._keep_no_more() and tracer._kept_in. */
PyObject *kept_begin(TracerObject *tracer, PyObject *args);
PyObject *kept_end(TracerObject *tracer, PyObject *ignored);
PyObject *kept_get_path(TracerObject *tracer, void *closure);

extern const char kept_begin_doc[];
extern const char kept_end_doc[];
extern const char kept_in_doc[];

/* recover() and journal_header(). */
extern PyMethodDef kept_methods[];

#endif
