// SPDX-License-Identifier: Apache-2.0
/* Bodies of modules and classes that run straight from start to end: no probe
 * is needed to tell which of their lines ran.
 *
 * The event of its start notes the frame, with the line events that it will
 * have (core/flow/straight.h). It had all of them if it has ended, unless an
 * exception has stopped it, of which we are told. So what is missing is only
 * whether the frame still runs: that is looked up when counts are read, and
 * known when another frame starts in its place.
 *
 * Code runs like this the first time only. If it runs again, it may do so
 * without end, and is rewritten like other code.
 */
#ifndef XT_BODIES_H
#define XT_BODIES_H

#include "files.h"
#include "frame.h"
#include "ptrmap.h"
#include "straight.h"

struct EngineObject;

typedef struct {
    xt_ptrmap by_frame;     /* frame -> its body_run */
    struct body_run *first; /* owned, as are the next ones: in the order in */
    struct body_run *last;  /* which they started */
    xt_straight path;       /* scratch, as is the next */
    traced_file **files;    /* owned: where each session counts a run */
    size_t files_cap;
} body_runs;

/* Zero memory is valid and empty before and after: forgets all frames. */
void bodies_fini(body_runs *runs);

/* A frame starts to run `code`, which is wanted, for the first time. 1 if it
   is noted here, 0 if it has to be counted otherwise, -1 with an exception. */
int bodies_start(struct EngineObject *engine, const frame_head *frame,
                 PyCodeObject *code);

/* A frame that runs `code` starts: what was noted in its place has ended. All
   here return -1 with an exception; what was not counted then is later. */
int bodies_replace(struct EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code);

/* The running frame is left, by an exception that stands in `code`. */
int bodies_raised(struct EngineObject *engine, const frame_head *frame,
                  PyCodeObject *code);

/* Brings what was counted so far into the files of all tracers. */
int bodies_settle(struct EngineObject *engine);

/* The same for what is certain to have ended, or to have come so far, where it
   does not take long to tell. */
int bodies_progress(struct EngineObject *engine);

/* In a forked child: the frames of all other threads, which are no more, stand
   where they stand for good. */
void bodies_abandon(struct EngineObject *engine);

/* Notes all frames in the journal, in which counts are kept from now on; and
   the end of that. */
void bodies_enter_file(struct EngineObject *engine);
void bodies_leave_file(struct EngineObject *engine);

/* From now on the code's frames are counted by events. */
int bodies_leave(struct EngineObject *engine, PyCodeObject *code);

#endif
