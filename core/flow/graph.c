// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <string.h>

#include "branch.h"
#include "lines.h"
#include "mem.h"
#include "weights.h"

void
xt_graph_fini(xt_graph *graph)
{
    xt_free(graph->edges);
    xt_free(graph->flags);
    xt_free(graph->in_degree);
    xt_free(graph->loop_depth);
    xt_free(graph->weights);
    xt_free(graph->heads);
    *graph = (xt_graph){0};
}

static xt_status
reserve(xt_graph *graph, size_t len)
{
    uint8_t *flags = xt_renew(graph->flags, &graph->flags_cap, len, 1);
    if (flags == NULL) {
        return XT_NOMEM;
    }
    graph->flags = flags;
    uint32_t *in_degree = xt_renew(graph->in_degree, &graph->in_degree_cap,
                                   len, sizeof(*in_degree));
    if (in_degree == NULL) {
        return XT_NOMEM;
    }
    graph->in_degree = in_degree;
    uint16_t *depth = xt_renew(graph->loop_depth, &graph->loop_depth_cap,
                               len + 1, sizeof(*depth));
    if (depth == NULL) {
        return XT_NOMEM;
    }
    graph->loop_depth = depth;
    float *weights =
        xt_renew(graph->weights, &graph->weights_cap, len, sizeof(*weights));
    if (weights == NULL) {
        return XT_NOMEM;
    }
    graph->weights = weights;
    xt_edge *edges =
        xt_renew(graph->edges, &graph->cap, 2 * len + 1, sizeof(*edges));
    if (edges == NULL) {
        return XT_NOMEM;
    }
    graph->edges = edges;
    uint32_t *heads =
        xt_renew(graph->heads, &graph->heads_cap, len + 1, sizeof(*heads));
    if (heads == NULL) {
        return XT_NOMEM;
    }
    graph->heads = heads;
    memset(flags, 0, len);
    memset(in_degree, 0, len * sizeof(*in_degree));
    memset(depth, 0, (len + 1) * sizeof(*depth));
    return XT_OK;
}

/* There is room for two edges per instruction, and the way in. */
static void
add_edge(xt_graph *graph, xt_edge_kind kind, uint32_t from, uint32_t to)
{
    graph->edges[graph->len++] =
        (xt_edge){.from = from, .to = to, .line = -1, .kind = (uint8_t)kind};
    if (to != graph->outside) {
        graph->in_degree[to]++;
    }
}

/* Whether the way from instruction `at` to the next is the only one, and
   nobody asks how often it is taken. */
static bool
joins_next(const xt_graph *graph, const xt_instrs *instrs, uint32_t at,
           bool branches)
{
    return instrs->items[at].target == XT_NONE &&
           at != graph->first_traceable &&
           (graph->flags[at + 1] & XT_STARTS_LINE) == 0 &&
           !(branches && xt_branch_is_at(instrs, at));
}

/* RERAISE does nothing else, so where it leads is known. */
static void
add_reraise(xt_graph *graph, const xt_instrs *instrs, uint32_t at)
{
    uint32_t handler = xt_instrs_find_handler(instrs, at);
    add_edge(graph, XT_EDGE_RERAISE, at,
             handler == XT_NONE ? graph->outside : handler);
}

/* The edges that leave instruction `at`. */
static xt_status
add_edges_of(xt_graph *graph, const xt_instrs *instrs, uint32_t at,
             bool branches)
{
    const xt_instr *instr = &instrs->items[at];
    if (xt_graph_falls_through(instr->kind)) {
        if (at + 1 == instrs->len) {
            return XT_CORRUPT;
        }
        if (instr->kind == XT_KIND_SUSPEND) {
            add_edge(graph, XT_EDGE_ENTER, graph->outside, at + 1);
        }
        else if (joins_next(graph, instrs, at, branches)) {
            graph->flags[at + 1] |= XT_IS_JOINED;
            graph->in_degree[at + 1]++;
        }
        else {
            add_edge(graph, XT_EDGE_FALL, at, at + 1);
        }
    }
    switch (instr->kind) {
    case XT_KIND_RETURN:
    case XT_KIND_SUSPEND:
        add_edge(graph, XT_EDGE_LEAVE, at, graph->outside);
        break;
    case XT_KIND_JUMP:
    case XT_KIND_SILENT_JUMP:
        add_edge(graph, XT_EDGE_JUMP, at, instr->target);
        break;
    case XT_KIND_BRANCH:
    case XT_KIND_FOR_ITER:
    case XT_KIND_SEND:
        add_edge(graph, XT_EDGE_TAKEN, at, instr->target);
        break;
    case XT_KIND_RERAISE:
        add_reraise(graph, instrs, at);
        break;
    default:
        break;
    }
    return XT_OK;
}

static void
mark_handlers(xt_graph *graph, const xt_instrs *instrs)
{
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        uint32_t unit = instrs->handlers.ranges[i].target;
        graph->flags[instrs->at_unit[unit]] |= XT_IS_HANDLER;
    }
}

void
xt_graph_find_blocks(xt_graph *graph)
{
    size_t len = 0;
    for (uint32_t i = 0; i < graph->outside; i++) {
        bool apart =
            (graph->flags[i] & (XT_IS_JOINED | XT_IS_HANDLER)) != XT_IS_JOINED;
        graph->heads[len] = i;
        len += apart || graph->in_degree[i] > 1;
    }
    graph->heads[len] = graph->outside;
    graph->heads_len = len;
}

static void
mark_wanted(xt_graph *graph, const xt_instrs *instrs)
{
    for (size_t i = 0; i < graph->len; i++) {
        xt_edge *edge = &graph->edges[i];
        if (edge->from == graph->outside) {
            continue;
        }
        bool handled = edge->kind == XT_EDGE_RERAISE &&
                       edge->to != graph->outside &&
                       xt_branch_handler_place(instrs, edge->to).has_line;
        edge->wanted = handled || edge->from == graph->first_traceable ||
                       xt_branch_is_at(instrs, edge->from);
    }
}

xt_status
xt_graph_build(xt_graph *graph, const xt_instrs *instrs,
               const xt_code_view *view, bool branches)
{
    graph->len = 0;
    graph->refusal = NULL;
    graph->unrolled = 0;
    graph->outside = (uint32_t)instrs->len;
    xt_status status = reserve(graph, instrs->len);
    if (status != XT_OK) {
        return status;
    }
    mark_handlers(graph, instrs);
    status = xt_lines_mark(graph, instrs, view);
    if (status != XT_OK) {
        return status;
    }
    add_edge(graph, XT_EDGE_ENTER, graph->outside, 0);
    for (uint32_t i = 0; i < instrs->len && status == XT_OK; i++) {
        status = add_edges_of(graph, instrs, i, branches);
    }
    if (status == XT_OK) {
        status = xt_lines_find(graph, instrs, view);
    }
    if (status != XT_OK) {
        return status;
    }
    xt_graph_find_blocks(graph);
    xt_weights_find(graph, instrs);
    if (branches) {
        mark_wanted(graph, instrs);
    }
    return XT_OK;
}
