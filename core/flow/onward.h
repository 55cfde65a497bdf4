// SPDX-License-Identifier: Apache-2.0
/* Code whose frame only ever goes onward, from its start to its end, unless an
 * exception stops it: straight, or by jumps that lead ahead. Which lines it
 * runs, and where each begins.
 *
 * Most bodies of modules and classes are like that, and so are many functions.
 * How often each line of one run is counted follows from how far the frame
 * came, and which way it took at each branch, without a probe.
 *
 * Workload: every such code object once, right before it runs; so this reads
 * its bytes once or twice and builds nothing else.
 */
#ifndef XT_ONWARD_H
#define XT_ONWARD_H

#include "instr.h"

/* A line event. */
typedef struct {
    uint32_t unit; /* code unit where its instruction begins */
    int32_t line;
} xt_onward_step;

/* Line events in their order. Zero is valid and empty. */
typedef struct {
    xt_onward_step *items; /* owned */
    size_t len;
    size_t cap;
} xt_onward_steps;

void xt_onward_fini(xt_onward_steps *steps);

/* How far the code was read. Borrows what the view does. */
typedef struct {
    xt_code_view view;
    xt_location_reader places;
    uint32_t units;
    uint32_t unit;  /* of the instruction that is next */
    uint32_t taken; /* the code unit where the branch before it leads when it
                       is taken; XT_NONE: there is none, the code has ended */
    uint32_t start; /* the code unit behind RESUME */
    int32_t line;   /* of the instruction before, -1: none */
    int32_t here;   /* of the last entry of the location table */
    bool traceable; /* RESUME has been passed */
    bool left;      /* the frame is left */
    bool straight;  /* jumps are not supported */
    bool checked;   /* all that is to come is supported */
    bool branches;  /* there is a conditional jump in the code */
} xt_onward;

/* Begins with a view's code, which may be what the interpreter has made of it
   to run, and reads up to the first branch, or to the end: the line events so
   far, in place of what `steps` held. XT_UNSUPPORTED when frames may go back,
   be suspended or handle exceptions, when events would not tell which way they
   go at a branch, and without `branches` when there is one. XT_CORRUPT when
   the code cannot be read: it is a case for xt_instrs_read(). XT_NOMEM. */
xt_status xt_onward_start(xt_onward *way, xt_onward_steps *steps,
                          const xt_code_view *view, bool branches);

/* At the branch that was read to, the frame goes on at a code unit, as an
   event tells of it. False, and nothing is changed, if the branch does not
   lead there. */
bool xt_onward_turn(xt_onward *way, uint32_t unit);

/* Reads on from there, like the above. XT_CORRUPT when the location table does
   not fit the code, XT_NOMEM: the rest of the way is not known then. */
xt_status xt_onward_read(xt_onward *way, xt_onward_steps *steps);

#endif
