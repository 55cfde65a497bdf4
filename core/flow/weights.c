// SPDX-License-Identifier: Apache-2.0
#include "weights.h"

enum { DEEPEST = 6 }; /* loops within loops that still count */

/* An exception is rarely raised, and rarely handled. */
static const float WHERE_RAISES = 1e-2F;
static const float WHERE_HANDLES = 1e-3F;

static float
weigh_node(const xt_graph *graph, uint32_t at)
{
    float weight = 1;
    for (int i = 0; i < graph->loop_depth[at] && i < DEEPEST; i++) {
        weight *= 10;
    }
    if ((graph->flags[at] & XT_IS_REACHED) == 0) {
        weight *= WHERE_HANDLES;
    }
    if ((graph->flags[at] & XT_ALWAYS_RAISES) != 0) {
        weight *= WHERE_RAISES;
    }
    return weight;
}

float
xt_weights_edge(const xt_graph *graph, const xt_instrs *instrs,
                const xt_edge *edge)
{
    if (edge->from == graph->outside || edge->to == graph->outside) {
        return 1;
    }
    float from = weigh_node(graph, edge->from);
    float to = weigh_node(graph, edge->to);
    float weight = from < to ? from : to;
    bool is_side = instrs->items[edge->from].kind == XT_KIND_BRANCH;
    return is_side ? weight / 2 : weight;
}
