// SPDX-License-Identifier: Apache-2.0
/* Threads that ran already when a run began that traces them, too.
 *
 * They get the trace function from the thread that begins the run, unless they
 * have one. Each looks at its own frames when it has its first event, and lets
 * go of the function at its first one after the run.
 */
#ifndef XT_NEWCOMERS_H
#define XT_NEWCOMERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t thread; /* the id of its thread state: no other has had it */
    bool met;        /* it has had an event in this run */
} newcomer;

/* Zero is valid and empty. Without the GIL it stays so: there the lane of a
   thread says whether it is one (lane.h). */
typedef struct {
    newcomer *items; /* owned array */
    size_t len;
    size_t cap;
    uint64_t
        settled; /* a thread that has been met, or is none of them; or 0 */
} newcomer_list;

typedef enum {
    NEWCOMER_NOT, /* nothing is to be done for this thread */
    NEWCOMER_MET, /* this is its first event: its frames are to be taken */
    NEWCOMER_OVER /* the run is over: the thread is not traced any more */
} newcomer_meeting;

void newcomers_fini(newcomer_list *list);

/* Has all other threads of this interpreter that have no trace function traced
   by `func` and `handle`, a method of `tracer`; those that this has had traced
   so before are met once more. The current thread must be traced so, or
   nothing is done. -1 with an exception. */
int newcomers_take(newcomer_list *list, PyObject *tracer, Py_tracefunc func,
                   PyObject *handle);

/* For an event of this thread, while there are newcomers. `runs`: whether the
   run has not ended. */
newcomer_meeting newcomers_look(newcomer_list *list, bool runs);

static inline newcomer_meeting
newcomers_meet(newcomer_list *list, bool runs)
{
    return list->len == 0 ? NEWCOMER_NOT : newcomers_look(list, runs);
}

#endif
