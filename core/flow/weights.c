// SPDX-License-Identifier: Apache-2.0
#include "weights.h"

#include <string.h>

#include "recall.h"

enum { DEEPEST = 6 }; /* loops within loops that still count */

static const float ROUNDS = 10;      /* of a loop */
static const float SENDS = 2;        /* of one that awaits */
static const float HANDLED = 1e-2F;  /* exceptions, where they can be */
static const float RAISES = 1e-2F;   /* a side that ends in an exception, */
static const float LEAVES = 1 / 9.F; /* or that leaves the loop */
static const float EQUAL = 1 / 3.F;  /* or where two things are equal */

/* A loop is what lies between the target of backward jumps and the last of
   them; compilers lay out a loop's body in one piece. */
static void
find_loops(xt_graph *graph)
{
    /* loop_depth[header] holds the loop's last instruction's distance for
       a moment; long loops that do not fit are none. */
    uint16_t *depth = graph->loop_depth;
    bool any = false;
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->kind == XT_EDGE_JUMP && edge->to <= edge->from &&
            edge->from - edge->to < UINT16_MAX) {
            depth[edge->to] = (uint16_t)(edge->from - edge->to + 1);
            any = true;
        }
    }
    enum { OPEN_MAX = 32 };
    uint32_t ends[OPEN_MAX];
    unsigned open = 0;
    for (size_t i = 0; any && i < graph->heads_len; i++) {
        uint32_t head = graph->heads[i];
        while (open > 0 && ends[open - 1] < head) {
            open--;
        }
        if (depth[head] > 0 && open < OPEN_MAX) {
            uint32_t end = head + depth[head] - 1;
            bool inside = open == 0 || end <= ends[open - 1];
            ends[open] = inside ? end : ends[open - 1];
            open++;
        }
        depth[head] = (uint16_t)open;
        depth[graph->heads[i + 1] - 1] = (uint16_t)open;
    }
}

/* Marks from where control always leaves the function before any loop goes
   round, and from where it always does so by an exception. Backwards once
   over the code: a loop does neither, as far as this knows. */
static void
find_ends(xt_graph *graph, const xt_instrs *instrs)
{
    uint8_t *flags = graph->flags;
    for (size_t i = graph->heads_len; i-- > 0;) {
        uint32_t last = graph->heads[i + 1] - 1;
        const xt_instr *instr = &instrs->items[last];
        uint8_t ends = XT_ALWAYS_RAISES | XT_ALWAYS_LEAVES;
        if (instr->kind == XT_KIND_RETURN || instr->kind == XT_KIND_SUSPEND) {
            ends = XT_ALWAYS_LEAVES;
        }
        if (xt_graph_falls_through(instr->kind)) {
            ends &= flags[last + 1];
        }
        if (instr->target != XT_NONE) {
            uint8_t there = instr->target > last ? flags[instr->target] : 0;
            if (instr->kind == XT_KIND_END_ASYNC_FOR) {
                there |= XT_ALWAYS_RAISES; /* its target is not gone to */
            }
            ends &= there;
        }
        flags[graph->heads[i]] |= ends;
    }
}

static void
find_heads(xt_graph *graph)
{
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->from != graph->outside && edge->kind != XT_EDGE_RERAISE &&
            edge->to <= edge->from) {
            graph->flags[edge->to] |= XT_IS_LOOP_HEAD;
        }
    }
}

/* Whether that is the side of a conditional jump where two things have been
   found equal: fewer are than not (the opcode heuristic of Ball and Larus,
   "Branch prediction for free", PLDI 1993). */
static bool
is_equal_side(const xt_instrs *instrs, const xt_edge *edge)
{
    /* The lowest bits of the argument say which outcomes make it true
       (Include/internal/pycore_code.h, COMPARISON_EQUALS and others). */
    enum { OUTCOMES = 15, EQUALS = 8, DIFFERS = OUTCOMES & ~EQUALS };
    const xt_opcodes *ops = instrs->ops;
    const xt_instr *jump = &instrs->items[edge->from];
    bool if_true = jump->op == ops->pop_jump_if_true;
    if (edge->from == 0 || jump[-1].op != ops->compare_op ||
        (!if_true && jump->op != ops->pop_jump_if_false)) {
        return false;
    }
    bool is_true = if_true == (edge->kind == XT_EDGE_TAKEN);
    uint32_t outcomes = jump[-1].oparg & OUTCOMES;
    return outcomes == (is_true ? EQUALS : DIFFERS);
}

/* The share of a side, before both are scaled to 1 together. */
static float
share_of(const xt_graph *graph, const xt_instrs *instrs, const xt_edge *edge)
{
    const uint16_t *depth = graph->loop_depth;
    uint8_t kind = instrs->items[edge->from].kind;
    if (kind == XT_KIND_SEND) {
        return 1;
    }
    if (kind == XT_KIND_FOR_ITER) {
        return edge->kind == XT_EDGE_TAKEN ? LEAVES : 1;
    }
    uint8_t flags = graph->flags[edge->to];
    if ((flags & XT_ALWAYS_RAISES) != 0) {
        return RAISES;
    }
    bool leaves =
        (flags & XT_ALWAYS_LEAVES) != 0 || depth[edge->to] < depth[edge->from];
    float share = leaves && depth[edge->from] > 0 ? LEAVES : 1;
    return is_equal_side(instrs, edge) ? share * EQUAL : share;
}

/* Has what a jump remembers decide along with what is likely: as if that had
   been seen twice. */
static void
learn(const xt_instr *jump, const xt_edge *edges, float *shares)
{
    static const float SEEN = 2;
    unsigned len;
    unsigned taken = xt_recall_jumps(jump->recall, &len);
    if (len == 0) {
        return;
    }
    float likely = SEEN / (shares[0] + shares[1]);
    for (size_t i = 0; i < 2; i++) {
        unsigned times = edges[i].kind == XT_EDGE_TAKEN ? taken : len - taken;
        shares[i] = shares[i] * likely + (float)times;
    }
}

static float
rounds_of(const xt_graph *graph, const xt_instrs *instrs, uint32_t at)
{
    if ((graph->flags[at] & XT_IS_LOOP_HEAD) == 0 ||
        graph->loop_depth[at] > DEEPEST) {
        return 1;
    }
    return instrs->items[at].kind == XT_KIND_SEND ? SENDS : ROUNDS;
}

/* Where exceptions lead, and where nothing but a later jump back does. */
static float
weigh_rare(const xt_graph *graph, uint32_t at)
{
    float weight = HANDLED;
    for (int i = 0; i < graph->loop_depth[at] && i < DEEPEST; i++) {
        weight *= ROUNDS;
    }
    return weight;
}

/* Shares an instruction's weight among the edges that leave it, of which
   there are one or two. */
static void
share(xt_graph *graph, const xt_instrs *instrs, uint32_t at, xt_edge *edges,
      size_t len)
{
    float *weights = graph->weights;
    bool parted = len == 2 && instrs->items[at].kind != XT_KIND_SUSPEND;
    float shares[2] = {1, 1};
    float all = 1;
    if (parted) {
        shares[0] = share_of(graph, instrs, &edges[0]);
        shares[1] = share_of(graph, instrs, &edges[1]);
        learn(&instrs->items[at], edges, shares);
        all = shares[0] + shares[1];
    }
    for (size_t i = 0; i < len; i++) {
        float share = parted ? shares[i] / all : 1;
        edges[i].weight = weights[at] * share;
        if (edges[i].to > at && edges[i].to != graph->outside) {
            weights[edges[i].to] += edges[i].weight;
        }
    }
}

/* Edges are in the order of the instructions that they leave; the way back
   into a suspended frame is among those of where it was suspended. */
static bool
belongs_to(const xt_graph *graph, const xt_edge *edge, uint32_t at)
{
    return edge->from == at ||
           (edge->from == graph->outside && edge->to == at + 1);
}

void
xt_weights_find(xt_graph *graph, const xt_instrs *instrs)
{
    find_loops(graph);
    find_ends(graph, instrs);
    find_heads(graph);
    float *weights = graph->weights; /* of heads and ends of blocks only */
    for (size_t i = 0; i < graph->heads_len; i++) {
        weights[graph->heads[i]] = 0;
    }
    weights[0] = 1;
    graph->edges[0].weight = 1;
    const uint8_t apart = XT_IS_HANDLER | XT_IS_LOOP_HEAD;
    size_t next = 1;
    for (size_t i = 0; i < graph->heads_len; i++) {
        uint32_t head = graph->heads[i];
        uint32_t last = graph->heads[i + 1] - 1;
        uint8_t flags = graph->flags[head];
        float weight = weights[head];
        if ((flags & XT_IS_JOINED) != 0) {
            weight += weights[head - 1];
        }
        if ((flags & (XT_IS_JOINED | apart)) != XT_IS_JOINED) {
            if (weight <= 0 || (flags & XT_IS_HANDLER) != 0) {
                weight += weigh_rare(graph, head);
            }
            weight *= rounds_of(graph, instrs, head);
        }
        weights[last] = weight;
        size_t first = next;
        while (next < graph->len &&
               belongs_to(graph, &graph->edges[next], last)) {
            next++;
        }
        if (next > first) {
            share(graph, instrs, last, &graph->edges[first], next - first);
        }
    }
}
