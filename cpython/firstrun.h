// SPDX-License-Identifier: Apache-2.0
/* One frame that runs code for the first time, or one of the first times, and
 * the line events that it has or will have up to where its code forks next
 * (see firstruns.h).
 */
#ifndef XT_FIRSTRUN_H
#define XT_FIRSTRUN_H

#include "files.h"
#include "frame.h"
#include "keptrun.h"

typedef struct first_run {
    struct first_run *previous; /* in its list, or NULL */
    struct first_run *next;
    const frame_head *frame; /* only the address is looked at; NULL: the frame
                                has ended, and the code may be run again */
    PyCodeObject *code;      /* borrowed: the run ends when it is freed, unless
                                that fails */
    PyObject *file; /* owned str: __file__ of the module where it runs */
    PyObject *name; /* owned str: co_filename */
    bool lives;     /* while runs are settled: the frame runs */
    bool ended;     /* most likely, it does no more */
    bool alone;     /* no other tool had events when it started */
    bool listens;   /* there are local events for the code */
    bool waits;     /* no frame, and not is_hit: it is in the list of those */

    /* Where the code starts, which is always set; and of straight code that is
       in no journal: its events are those of the table; what it has had is not
       counted from there.from to there.to. */
    straight_run there; /* owned table; or NULL, and this is of use: */
    size_t done;        /* events of its way that were counted */
    size_t until;       /* so many of them it has had, or will have had when it
                           has ended */
    xt_route *route;    /* owned: its way; NULL: its code is straight */
    int64_t *hits; /* of its segments on earlier ways, which are not counted
                      yet; as long as that memory */
    bool is_hit;   /* if there are any */
    size_t frames; /* how many were followed, */
    size_t turns;  /* and how many branches they have come to */
    size_t cost;   /* what it took to follow it so far, */
    size_t most;   /* and may take */
    xt_route_steps steps; /* of straight code: the events of its way */
    kept_run kept;
} first_run;

/* One of straight code, whose table is still to be set; `start` is the code
   unit behind RESUME. `file` is taken over, also on failure. NULL with an
   exception. */
first_run *firstrun_new(const frame_head *frame, PyCodeObject *code,
                        PyObject *file, uint32_t start);

void firstrun_free(first_run *run);

/* Has the frame followed by events, on a route that has just begun. False if
   out of memory. */
bool firstrun_follow(first_run *run, const xt_segments *segments,
                     const xt_route *route);

/* Whether its code is a function's with loops, of which more frames may be
   followed when this one has ended. */
bool firstrun_may_repeat(const first_run *run);

/* Whether one more costs less, most likely, than to rewrite the code now. */
bool firstrun_is_worth_another(const first_run *run);

/* Whether the frames so far came to many branches in the mean: so loops in it
   go round often, for each time that they begin. */
bool firstrun_goes_round(const first_run *run);

/* Another one begins. */
void firstrun_begin_again(first_run *run, const frame_head *frame);

/* Notes that the frame has had all that is on its way: if nothing of that is
   counted yet, otherwise false, and nothing is noted. */
bool firstrun_note_way(first_run *run);

/* The frame has come to a fork, and goes on as its route tells. */
void firstrun_go_on(first_run *run);

/* Reads the events of straight code, instead of keeping its table. False if
   out of memory. */
bool firstrun_read_table(first_run *run);

/* The events of its way, but for straight code of which there is the table:
   in `scratch` or its own. NULL if out of memory. */
const xt_route_steps *firstrun_events(const first_run *run,
                                      xt_route_steps *scratch);

/* Notes that the frame stands at a code unit, and what it has had until
   then. */
void firstrun_note_place(first_run *run, Py_ssize_t unit);

#endif
