// SPDX-License-Identifier: Apache-2.0
/* The route of one frame: which line events it has, as events tell which way
 * it goes where its code forks, at branches and by exceptions that are
 * handled.
 *
 * How often each line of one run is counted follows from that without a probe.
 */
#ifndef XT_ROUTE_H
#define XT_ROUTE_H

#include "segments.h"

/* A line event. */
typedef struct {
    uint32_t unit; /* code unit where its instruction begins */
    int32_t line;
} xt_route_step;

/* Line events in their order. Zero is valid and empty. */
typedef struct {
    xt_route_step *items; /* owned */
    size_t len;
    size_t cap;
} xt_route_steps;

void xt_route_steps_fini(xt_route_steps *steps);

/* A frame's way from where the code last forked to where it forks next, or to
   the end. Zero is no way: the frame has not passed RESUME. */
typedef struct {
    const xt_segment *segments; /* borrowed, as is all that xt_segments has */
    uint32_t len;
    uint32_t resume;
    uint32_t origin; /* the segment that it has left, */
    uint32_t first;  /* the first one that it comes to, */
    uint32_t last;   /* and the last one */
    bool raised;     /* by an exception; else by a step */
} xt_route;

/* A frame begins: its way from RESUME. */
xt_route xt_route_begin(const xt_segments *segments);

/* Another frame of the same code begins. */
void xt_route_begin_again(xt_route *route);

/* Whether the way ends where the code forks, so that an event will tell. */
bool xt_route_forks(const xt_route *route);

/* An event of the branch at code unit `from` tells that the frame goes on at
   `to`. False, and nothing is changed, if its way does not lead there, as if a
   debugger has moved it. */
bool xt_route_turn(xt_route *route, uint32_t from, uint32_t to);

/* An exception takes the frame from where it stands to the handler at a code
   unit. The same. */
bool xt_route_handle(xt_route *route, uint32_t stands, uint32_t handler);

/* The line events on its way, in place of what `steps` held. False if out of
   memory. */
bool xt_route_events(const xt_route *route, xt_route_steps *steps);

/* Adds them to hits[i], for each segment i. */
void xt_route_add(const xt_route *route, int64_t *hits);

/* How many of the line events of its way a frame has had that stands at a code
   unit: all, if that is not on it, for then an exception was raised on by
   RERAISE, which has set the frame back to where it was raised first. */
size_t xt_route_done(const xt_route *route, uint32_t stands);

/* Whether the frame has turned at a branch to where a jump leads (*taken) or
   to the next instruction, and goes on with an instruction that it has not
   run, in any code that has the same branch: not so at the end of a loop, nor
   before RERAISE, which may set the frame back to a place that it has noted.
 */
bool xt_route_has_turned(const xt_route *route, bool *taken);

#endif
