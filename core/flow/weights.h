// SPDX-License-Identifier: Apache-2.0
/* How often an edge is likely to run, from the code alone. Only the price of
 * counting depends on it, never a count.
 *
 * The heuristics are of the kind of Ball and Larus, "Branch prediction for
 * free" (PLDI 1993): loops go round ten times, sides that leave a loop are
 * taken once in that, exceptions are rare, and other sides are equal.
 */
#ifndef XT_WEIGHTS_H
#define XT_WEIGHTS_H

#include "graph.h"

/* Sets the weight of each edge of a graph whose edges, handlers and loops
   stand: positive, 1 for what runs once per call. */
void xt_weights_find(xt_graph *graph, const xt_instrs *instrs);

#endif
