// SPDX-License-Identifier: Apache-2.0
/* Where frames stand that have begun and not ended: to the flow each is an
 * interrupt, as long as counts are read.
 *
 * Those of all threads, and those of suspended greenlets, which no thread
 * knows of. Suspended generators are none: they have left the flow, and come
 * back into it when they are resumed.
 */
#ifndef XT_LIVE_H
#define XT_LIVE_H

#include "engine.h"
#include "frame.h"

/* Is told of a frame that runs `code` and stands at a code unit of it; with
   other than 0 it ends the visit. */
typedef int (*live_visitor)(void *arg, const frame_head *frame,
                            PyCodeObject *code, Py_ssize_t unit);

/* Visits the frames; what the visitor returned last, or 0. Only the visitor
   runs meanwhile: it must not let the program run. */
int live_visit(live_visitor visitor, void *arg);

/* Whether there may be greenlets. */
bool live_has_greenlets(void);

/* The same for the frames of all threads but this one. */
int live_visit_others(live_visitor visitor, void *arg);

/* Where a frame stands. */
typedef struct {
    ProbedCodeObject *probed; /* borrowed */
    uint64_t *left;           /* borrowed counter in its breaks */
    CounterObject *unrun;     /* immortal: see unrun.h; or NULL */
} live_place;

typedef struct {
    live_place *places; /* owned array */
    size_t len;
    size_t cap;
} live_list;

/* Notes the frames. Nothing may run between this and live_end(). -1 (without
   an exception) if out of memory. */
int live_begin(const EngineObject *engine, live_list *live);

/* The same for one of them, for who looks at all frames anyway; after the
   first, and even if that fails, there must be a live_end(). */
int live_found(const EngineObject *engine, live_list *live, PyCodeObject *code,
               Py_ssize_t unit);

void live_end(live_list *live);

/* In a forked child: notes for good that the frames of all other threads,
   which are no more, stand where they stand. */
void live_abandon(const EngineObject *engine);

#endif
