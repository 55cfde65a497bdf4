// SPDX-License-Identifier: Apache-2.0
/* Code that runs for the first time, and tells by events which way it goes: no
 * probe is needed to tell which of its lines ran.
 *
 * That are most bodies of modules and classes, which hardly ever run again,
 * and functions with loops, or without a branch. The event of its start notes
 * the frame, with the line events that it will have up to where its code forks
 * (core/flow/route.h); the event of a branch, or of an exception that is
 * handled, tells the way on. It had all of them if it has ended, unless an
 * exception has stopped it, of which we are told. So what is missing is only
 * whether the frame still runs: that is looked up when counts are read, and
 * known when another frame starts in its place.
 *
 * If the code runs again, or long, it may do so without end, and is rewritten
 * like other code: in the midst of a frame by osr.h. A function with loops is
 * so when all its frames together have taken long.
 */
#ifndef XT_FIRSTRUNS_H
#define XT_FIRSTRUNS_H

#include "files.h"
#include "frame.h"
#include "ptrmap.h"
#include "route.h"

struct EngineObject;

typedef struct {
    struct first_run *first;
    struct first_run *last;
} first_run_list;

typedef struct {
    xt_ptrmap started;      /* code that was started once: borrowed, while the
                               engine is told of code that is freed. To its run,
                               or whether there are local events for it */
    xt_ptrmap by_frame;     /* frame -> its first_run */
    first_run_list runs;    /* owned: in the order in which they started */
    first_run_list waiting; /* owned: without a frame or anything to count */
    xt_segments segments;   /* scratch, as are the next ones */
    xt_route_steps steps;
} first_runs;

/* Zero memory is valid and empty before and after: forgets all frames. */
void firstruns_fini(first_runs *runs);

/* A frame starts to run `code`, which is wanted, for the first time. 1 if it
   is noted here, 0 if it has to be counted otherwise, -1 with an exception. */
int firstruns_start(struct EngineObject *engine, const frame_head *frame,
                    PyCodeObject *code);

/* The same for code that was noted before. */
int firstruns_again(struct EngineObject *engine, const frame_head *frame,
                    PyCodeObject *code);

/* Whether loops went round often in the frames of the code that were followed;
   or so they may, for all that is known, as no functions can be followed now.
 */
bool firstruns_go_round(const struct EngineObject *engine, PyCodeObject *code);

/* Whether frames of the code, a function's, were followed and it is not
   rewritten yet: the next one that is wanted must be told of. */
bool firstruns_knows(const struct EngineObject *engine, PyCodeObject *code);

/* Whether the frame, which runs the code, is noted here. */
bool firstruns_follows(const struct EngineObject *engine,
                       const frame_head *frame, PyCodeObject *code);

/* A frame starts: what was noted in its place has ended. All here return -1
 * with an exception; what was not counted then is later, but for what a frame
 * has had that has come to a fork: that is lost. */
int firstruns_replace(struct EngineObject *engine, const frame_head *frame);

/* The event of a branch at code unit `from` of `code` tells that the running
   frame goes on at `to`. 1 if it is followed for longer than it would take to
   rewrite its code, else 0. */
int firstruns_branched(struct EngineObject *engine, const frame_head *frame,
                       PyCodeObject *code, uint32_t from, uint32_t to);

/* Whether the frame, which is followed, has just turned and not run what comes
   then: either to where a jump leads (*taken) or to the next instruction. */
bool firstruns_has_turned(const struct EngineObject *engine,
                          const frame_head *frame, PyCodeObject *code,
                          bool *taken);

/* Such a frame is counted otherwise from there on. */
void firstruns_forget(struct EngineObject *engine, const frame_head *frame);

/* An exception takes the running frame to the handler at a code unit. */
int firstruns_handled(struct EngineObject *engine, const frame_head *frame,
                      PyCodeObject *code, Py_ssize_t handler);

/* The running frame returns. */
int firstruns_returned(struct EngineObject *engine, const frame_head *frame,
                       PyCodeObject *code);

/* The running frame is left, by an exception that stands in `code`. */
int firstruns_raised(struct EngineObject *engine, const frame_head *frame,
                     PyCodeObject *code);

/* The code, which may have been noted, is being freed. */
int firstruns_code_freed(struct EngineObject *engine, PyCodeObject *code);

/* The first start of code is over that is counted otherwise. False if out of
   memory. */
bool firstruns_note_start(struct EngineObject *engine, PyCodeObject *code);

/* There are no local events for what is noted any more. */
void firstruns_stop_listening(struct EngineObject *engine);

/* Brings what was counted so far into the files of all tracers. */
int firstruns_settle(struct EngineObject *engine);

/* The same in steps, for who looks at all frames anyway: notes a frame that
   runs; after all were noted, counts, or else forgets that. */
void firstruns_found(struct EngineObject *engine, const frame_head *frame,
                     PyCodeObject *code, Py_ssize_t unit);
int firstruns_count_found(struct EngineObject *engine);
void firstruns_forget_found(struct EngineObject *engine);

/* The same for what is certain to have ended, or to have come so far, where it
   does not take long to tell. */
int firstruns_progress(struct EngineObject *engine);

/* In a forked child: the frames of all other threads, which are no more, stand
   where they stand for good. */
void firstruns_abandon(struct EngineObject *engine);

/* Notes all frames in the journal, in which counts are kept from now on; and
   the end of that. */
void firstruns_enter_file(struct EngineObject *engine);
void firstruns_leave_file(struct EngineObject *engine);

/* From now on the code's frames are counted by events. */
int firstruns_leave(struct EngineObject *engine, PyCodeObject *code);

#endif
