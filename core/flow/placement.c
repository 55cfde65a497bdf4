// SPDX-License-Identifier: Apache-2.0
#include "placement.h"

enum { LATE_MAX = 6 }; /* instructions, each of which may have to be settled */

/* What must follow right upon the instruction before it. */
static bool
is_bound_to_previous(uint8_t kind)
{
    return kind == XT_KIND_RESUME || kind == XT_KIND_END_FOR ||
           kind == XT_KIND_END_SEND || kind == XT_KIND_POP_ITER ||
           kind == XT_KIND_NOT_TAKEN || kind == XT_KIND_END_FOR_POP;
}

static bool
may_stand_before(const xt_graph *graph, const xt_instrs *instrs, uint32_t at)
{
    if (at <= graph->first_traceable || at >= instrs->len ||
        is_bound_to_previous(instrs->items[at].kind)) {
        return false;
    }
    /* Between SEND and its YIELD_VALUE: the receiver is found by looking back
       from there. */
    return instrs->items[at - 1].kind != XT_KIND_SEND;
}

bool
xt_placement_may_label(const xt_graph *graph, const xt_instrs *instrs,
                       uint32_t at)
{
    /* A jump back within a line is an event, which a probe behind it would
       hide. So it does not stand at the head of a copy, to which nothing else
       leads. */
    bool copy =
        at >= instrs->read_len && (graph->flags[at] & XT_IS_LOOP_HEAD) != 0;
    return (graph->flags[at] & XT_IS_HANDLER) == 0 && !copy &&
           may_stand_before(graph, instrs, at) &&
           instrs->items[at - 1].kind != XT_KIND_SUSPEND;
}

static xt_probe
place_fall(const xt_graph *graph, const xt_instrs *instrs, uint32_t at)
{
    /* What only its predecessor leads to may be stepped over. */
    while (at < instrs->len && graph->in_degree[at] == 1 &&
           (graph->flags[at] & XT_IS_HANDLER) == 0 &&
           (instrs->items[at].kind == XT_KIND_NOT_TAKEN ||
            instrs->items[at].kind == XT_KIND_END_FOR_POP ||
            instrs->items[at].kind == XT_KIND_POP_ITER)) {
        at++;
    }
    bool possible = may_stand_before(graph, instrs, at);
    return (xt_probe){.at = at,
                      .where = possible ? XT_PROBE_FALL : XT_PROBE_NOWHERE};
}

static xt_probe
place_taken(const xt_graph *graph, const xt_instrs *instrs,
            const xt_edge *edge)
{
    const xt_instr *from = &instrs->items[edge->from];
    bool only = graph->in_degree[edge->to] == 1 &&
                (graph->flags[edge->to] & XT_IS_HANDLER) == 0;
    if (from->kind == XT_KIND_FOR_ITER) {
        return only ? place_fall(graph, instrs, edge->to + 1)
                    : (xt_probe){.where = XT_PROBE_NOWHERE};
    }
    if (from->kind == XT_KIND_SEND) {
        return (xt_probe){.where = XT_PROBE_NOWHERE};
    }
    if (only && xt_placement_may_label(graph, instrs, edge->to)) {
        return (xt_probe){.at = edge->to, .where = XT_PROBE_LABEL};
    }
    return (xt_probe){.at = edge->from, .where = XT_PROBE_TRAMPOLINE};
}

/* What a fused probe may stand behind: nothing that leaves the frame, and
   nothing that runs Python code within the same loop of the interpreter. */
static bool
may_be_late(uint8_t kind, uint32_t late)
{
    return kind == XT_KIND_PLAIN || kind == XT_KIND_NOT_TAKEN ||
           kind == XT_KIND_END_FOR_POP || kind == XT_KIND_POP_ITER ||
           (kind == XT_KIND_END_FOR && late == 0);
}

/* Whether a counter can give the constant that an instruction loads, which
   stays the same object for as long as the code lives: code objects among
   constants do not. */
static bool
loads_constant(const xt_instrs *instrs, uint32_t at)
{
    return xt_constant_of(instrs->ops, &instrs->items[at]) !=
               XT_CONSTANT_NONE_SUCH &&
           (at + 1 == instrs->len ||
            instrs->items[at + 1].op != instrs->ops->make_function);
}

xt_probe
xt_placement_find_fused(const xt_graph *graph, const xt_instrs *instrs,
                        uint32_t to)
{
    for (uint32_t late = 0; late <= LATE_MAX && to + late < instrs->len;
         late++) {
        uint32_t at = to + late;
        uint8_t flags = graph->flags[at];
        bool parted = late > 0 && (graph->in_degree[at] != 1 ||
                                   (flags & XT_STARTS_LINE) != 0);
        if ((flags & XT_IS_HANDLER) != 0 || parted ||
            at <= graph->first_traceable) {
            break;
        }
        if (loads_constant(instrs, at) &&
            (at + 1 == instrs->len ||
             !is_bound_to_previous(instrs->items[at + 1].kind))) {
            return (xt_probe){.at = at, .where = XT_PROBE_FUSED, .late = late};
        }
        if (!may_be_late(instrs->items[at].kind, late)) {
            break;
        }
    }
    return (xt_probe){.where = XT_PROBE_NOWHERE};
}

xt_probe
xt_placement_find(const xt_graph *graph, const xt_instrs *instrs,
                  const xt_edge *edge)
{
    switch ((xt_edge_kind)edge->kind) {
    case XT_EDGE_FALL:
        return place_fall(graph, instrs, edge->to);
    case XT_EDGE_TAKEN:
        return place_taken(graph, instrs, edge);
    case XT_EDGE_JUMP:
    case XT_EDGE_RERAISE:
        if (may_stand_before(graph, instrs, edge->from)) {
            return (xt_probe){.at = edge->from, .where = XT_PROBE_BEFORE};
        }
        break;
    case XT_EDGE_ENTER:
    case XT_EDGE_LEAVE:
        break;
    }
    return (xt_probe){.where = XT_PROBE_NOWHERE};
}
