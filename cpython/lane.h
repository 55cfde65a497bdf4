// SPDX-License-Identifier: Apache-2.0
/* What a tracer has of one thread that it traces.
 *
 * Only that thread touches it, but for the counts in `files`, which have a
 * lock. With the GIL all threads share the one of the tracer, as no two of
 * them are ever in the midst of an event. Without it a thread finds its own by
 * a thread-local variable. When the thread has ended, its lane stays, with its
 * counts, for the next one that needs one: there are never more of them than
 * there were threads at a time (docs/decisions/0014).
 */
#ifndef XT_LANE_H
#define XT_LANE_H

#include "files.h"
#include "ptrmap.h"
#include "records.h"
#include "sync.h"

typedef struct thread_lane {
    xt_ptrmap frames; /* frames that are wanted -> their traced_file */
    /* The frame of the last event, so that most lines need no look-up. It is
       borrowed: its return event, the last of its life, clears it. */
    PyFrameObject *hot_frame;
    traced_file *hot_file; /* NULL: the frame is not wanted */
    /* The frame of the last event if that was a return, else NULL; only its
       address is looked at. */
    PyFrameObject *left_frame;
    traced_file *left_file;
    record_table records; /* of frames, where printing has options */

#ifdef Py_GIL_DISABLED
    file_table files;
    PyObject *judged; /* owned: as the tracer's, of which it is a part */
    uint64_t plan;    /* the plan for which `judged` holds */
    uint64_t run;     /* the last for which the thread was traced; 0: none */
    bool newcomer;    /* another one has given it the trace function */
    uint64_t owner;   /* the tracer's number */
    struct thread_lane *next; /* the tracer's next one, or NULL */
    SYNC_SHARED(bool) busy;   /* a thread has it */
    SYNC_SHARED(int) users; /* the thread, the tracer: the last one frees it */
#endif
} thread_lane;

/* Zero memory is valid before and after. */
void lane_fini(thread_lane *self);

#ifdef Py_GIL_DISABLED

/* The lanes of one tracer. Zero memory is valid before and after. */
typedef struct {
    uint64_t owner; /* a number that no other tracer ever had; 0: not yet */
    sync_lock lock; /* guards the list */
    thread_lane *first; /* owned, with those behind it; they never move */
} lane_list;

void lanes_fini(lane_list *lanes);

/* Gives the list a number of its own. */
void lanes_init(lane_list *lanes);

/* The one behind `last`, or the first if that is NULL; NULL: no more. */
thread_lane *lanes_next(lane_list *lanes, const thread_lane *last);

/* The lane of this thread, made on first sight; NULL with an exception. */
thread_lane *lanes_find(lane_list *lanes);

/* The one that this thread used last. */
typedef struct {
    uint64_t owner;
    thread_lane *lane;
} lane_hot;

extern _Thread_local lane_hot lanes_hot;

static inline thread_lane *
lanes_get(lane_list *lanes)
{
    return lanes_hot.owner == lanes->owner ? lanes_hot.lane
                                           : lanes_find(lanes);
}

#endif

#endif
