// SPDX-License-Identifier: Apache-2.0
#include "ways.h"

int32_t
ways_line(const analysis *of, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < of->graph.len; i++) {
        const xt_edge *edge = &of->graph.edges[i];
        if (edge->from == from && edge->to == to &&
            edge->kind != XT_EDGE_RERAISE) {
            return edge->line;
        }
    }
    return -1;
}

bool
ways_fires(const analysis *of, uint32_t from, uint32_t handler)
{
    uint8_t flags = of->graph.flags[handler];
    const xt_instr *items = of->instrs.items;
    return (flags & XT_STARTS_LINE) != 0 &&
           ((flags & XT_SURE_LINE) != 0 ||
            items[from].line != items[handler].line);
}

uint32_t
ways_random(uint32_t *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}
