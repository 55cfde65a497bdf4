// SPDX-License-Identifier: Apache-2.0
/* Loops that are written several times, so that what goes on behind each round
 * is counted in one of them only.
 *
 * The way back to the head of a loop leads to the head of a copy, from there
 * to that of the next, and from the last one back to the original. All copies
 * together do what the loop did, wherever control comes in and out: a place in
 * a copy is the same state of the frame as the place that it is a copy of. But
 * the cycle that a loop is has become as many times longer, and needs as many
 * times fewer probes for each round (as with the paths of Ball and Larus,
 * "Efficient path profiling", MICRO 29, 1996, but through several rounds).
 *
 * Copies stand behind the code, the last one first, so that each way back
 * still leads back:
 *
 *     ... head body, JUMP_FORWARD to bridge ...
 *     copy N: head body, JUMP_BACKWARD to the original's head; ways out
 *     ...
 *     copy 1: head body, JUMP_BACKWARD to copy 2; ways out
 *     bridge: JUMP_BACKWARD to copy 1
 *
 * A way out of a copy is a JUMP_BACKWARD_NO_INTERRUPT to where the original
 * goes. It and the JUMP_FORWARD are `added` (instr.h); the bridge stands for
 * the original's jump. Whatever else leads into the loop (its beginning,
 * handlers of exceptions) leads into the original. Line events are as before:
 * whatever an instruction does, and from which line control comes to it, is
 * the same.
 */
#ifndef XT_UNROLL_H
#define XT_UNROLL_H

#include "graph.h"

enum { XT_UNROLL_TIMES = 8 }; /* that a loop is written, at most */

/* Which loops may be written several times. */
typedef enum {
    XT_UNROLL_NONE = 0,
    XT_UNROLL_NESTED, /* those within others */
    XT_UNROLL_ALL
} xt_unroll_loops;

/* Whether such loops that go round more often than they end, as far as is
   known, go round so often that to write them several times may be worth it,
   if all probes cost `before` (as in xt_planner). */
bool xt_unroll_may_pay(const xt_graph *graph, const xt_instrs *instrs,
                       xt_unroll_loops loops, float before);

/* Writes all of them several times, in a graph that has just been built and in
   its instructions. Which ones, and how often, follows from the code and what
   its jumps remember. XT_NOMEM: neither is of use any more. */
xt_status xt_unroll(xt_graph *graph, xt_instrs *instrs, xt_unroll_loops loops);

/* Whether the probes that were planned for such a graph are so much cheaper
   than those of the one before that the ways into copies and out of them are
   worth it; both costs are as in xt_planner. */
bool xt_unroll_pays(const xt_graph *graph, float before, float cost);

#endif
