// SPDX-License-Identifier: Apache-2.0
/* Code that runs straight from its start to its end, unless an exception
 * stops it: which lines, and where each begins.
 *
 * Most bodies of modules and classes are like that, and run only once: how
 * often each line ran follows from how far the frame came, without a probe.
 *
 * Workload: every such body once, right before it runs; so this reads its
 * bytes once and builds nothing else.
 */
#ifndef XT_STRAIGHT_H
#define XT_STRAIGHT_H

#include "instr.h"

/* A line event. */
typedef struct {
    uint32_t unit; /* code unit where its instruction begins */
    int32_t line;
} xt_straight_step;

/* The line events of one run, in their order. Zero is valid and empty. */
typedef struct {
    xt_straight_step *steps; /* owned */
    size_t len;
    size_t cap;
} xt_straight;

void xt_straight_fini(xt_straight *straight);

/* Finds the line events of a view in place of what was there. Its code may be
   what the interpreter has made of it to run. XT_UNSUPPORTED when it does not
   run straight, can be suspended or handles exceptions, and XT_CORRUPT when it
   cannot be read: then it is a case for xt_instrs_read(). XT_NOMEM. */
xt_status xt_straight_read(xt_straight *straight, const xt_code_view *view);

#endif
