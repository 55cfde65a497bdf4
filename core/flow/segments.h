// SPDX-License-Identifier: Apache-2.0
/* Code as runs of instructions of one line, which control only enters at the
 * front and leaves at the end: basic blocks, cut where the line changes.
 * Enough to tell which line events a frame has on its way, if something else
 * tells which way it goes (route.h).
 *
 * Workload: every body of a module or a class that forks once, right before it
 * runs; so this reads its bytes once or twice, may be given code as it stands
 * while it runs, and builds nothing else.
 */
#ifndef XT_SEGMENTS_H
#define XT_SEGMENTS_H

#include "bitset.h"
#include "instr.h"

/* One of them. */
typedef struct {
    uint32_t unit;   /* its first code unit */
    int32_t line;    /* -1: none */
    uint32_t target; /* the segment that its end jumps to, or XT_NONE */
    uint8_t end;     /* xt_opcode_kind of its last instruction; XT_KIND_PLAIN:
                        control goes on to the next segment */
    bool starts;     /* a step onto it fires the line's event (lines.h), */
    bool sure;       /* even from the same line */
} xt_segment;

/* What tells which way frames go where the code forks. */
typedef enum {
    XT_TOLD_BY_EVENTS,  /* of branches; route.h */
    XT_TOLD_BY_HISTORY, /* that of each branch; history.h. Not in loops. */
} xt_told;

/* Zero is valid and empty. */
typedef struct {
    xt_segment *items; /* owned: in the order of the code */
    size_t len;
    size_t cap;
    uint32_t units;       /* code units of the code */
    uint32_t resume;      /* the segment that is RESUME */
    bool forks;           /* a frame may go different ways, */
    bool loops;           /* or round */
    xt_told told;         /* by what that is told */
    xt_bitset starts;     /* owned: scratch, code units that are jumped to */
    xt_exctable handlers; /* owned: scratch */
    uint32_t *degree;     /* owned: scratch, two numbers per segment */
    size_t degree_cap;
} xt_segments;

void xt_segments_fini(xt_segments *segments);

/* Reads a view's code, which may be what the interpreter has made of it to
   run, in place of what there was. XT_UNSUPPORTED when its frames may be
   suspended, or it would not be told which way they go. XT_CORRUPT when the
   code cannot be read: it is a case for xt_instrs_read(). XT_NOMEM. */
xt_status xt_segments_read(xt_segments *segments, const xt_code_view *view,
                           xt_told told);

/* The segment where control goes on behind another one; XT_NONE if that ends
   where the code forks, or the frame. */
uint32_t xt_segments_follow(const xt_segment *segments, uint32_t at);

/* Whether coming to a segment from another is a line event: by a step, or by
   an exception. */
bool xt_segments_fire(const xt_segment *segments, uint32_t from, uint32_t to,
                      bool by_step);

/* Adds to hits[i] how often segment i is come to with a line event on the way
   from one segment to another, and on to where the code forks or ends; for so
   many times. Nothing, if `to` is XT_NONE. */
void xt_segments_add_way(const xt_segment *segments, uint32_t from,
                         uint32_t to, bool by_step, int64_t times,
                         int64_t *hits);

/* The segment that an instruction at a code unit is in. */
uint32_t xt_segments_find(const xt_segment *segments, size_t len,
                          uint32_t unit);

#endif
