// SPDX-License-Identifier: Apache-2.0
/* How often an edge is likely to run, from the code alone. Only the price of
 * counting depends on it, never a count.
 */
#ifndef XT_WEIGHTS_H
#define XT_WEIGHTS_H

#include "graph.h"

/* A positive number, 1 for what runs once per call. */
float xt_weights_edge(const xt_graph *graph, const xt_instrs *instrs,
                      const xt_edge *edge);

#endif
