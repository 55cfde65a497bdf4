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

typedef struct {
    uint64_t **places; /* owned array; borrowed counters in breaks.left */
    size_t len;
    size_t cap;
} live_list;

/* Notes the frames. Nothing may run between this and live_end(). -1 (without
   an exception) if out of memory. */
int live_begin(const EngineObject *engine, live_list *live);

void live_end(live_list *live);

/* In a forked child: notes for good that the frames of all other threads,
   which are no more, stand where they stand. */
void live_abandon(const EngineObject *engine);

#endif
