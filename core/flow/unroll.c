// SPDX-License-Identifier: Apache-2.0
#include "unroll.h"

#include <string.h>

#include "mem.h"

enum {
    UNITS_MAX = 100,    /* of a loop */
    UNITS_IN_ALL = 512, /* of a loop, as often as it is written */
    ADDED_MAX = 2048,   /* code units of copies */
};

/* What outside is for as long as it is not known how many there are. */
#define NO_INSTRUCTION (XT_NONE - 1)

/* The bridge weighs less than other ways back, so that it has the probe of the
   cycle: a processor foresees best what is the same in all copies. */
static const float BRIDGE = 0.9F;

/* What it costs to go round all copies, and out of one, measured in plain
   probes. */
static const float COST_OF_CYCLE = 2.5F;
static const float COST_OF_WAY_OUT = 0.4F;

/* What is planned with copies must cost less than this of what it costs
   without. */
static const float MARGIN = 0.82F;

/* A loop, from its head to what is behind its last instruction. */
typedef struct {
    uint32_t head;
    uint32_t end;
    size_t edges;      /* the first edge that leaves an instruction of it, */
    size_t edges_end;  /* and what is behind the last */
    uint32_t ways_out; /* to where no jump back leads */
    uint32_t latches;
    float goes_on;  /* how often it is likely to go on with another round, */
    float ends;     /* and how often not to */
    uint32_t times; /* that it is written */
    uint32_t copy[XT_UNROLL_TIMES]; /* the instruction that the head is in each
                                       copy */
} loop;

/* --- Which loops ------------------------------------------------------- */

static bool
is_within(const loop *of, uint32_t at)
{
    return at >= of->head && at < of->end;
}

/* Whether an edge is a jump back to the head. */
static bool
is_latch(const loop *of, const xt_edge *edge)
{
    return edge->kind == XT_EDGE_JUMP && edge->to == of->head &&
           edge->from >= of->head;
}

/* Whether an edge out of the loop needs an instruction of its own in a copy:
   what is a conditional jump, or falls, or leads ahead cannot lead to where
   the original does. */
static bool
needs_way_out(const loop *of, const xt_edge *edge)
{
    bool leads_back = edge->kind == XT_EDGE_JUMP && edge->to < of->head;
    return edge->kind != XT_EDGE_LEAVE && edge->kind != XT_EDGE_RERAISE &&
           !is_within(of, edge->to) && !leads_back;
}

/* Whether control goes straight on behind the loop, which is no edge. */
static bool
ends_joined(const xt_graph *graph, const xt_instrs *instrs, const loop *of)
{
    return of->end < instrs->read_len &&
           (graph->flags[of->end] & XT_IS_JOINED) != 0;
}

/* What is behind the last instruction of the loop with this head: of one that
   goes through items, what takes these off the stack; of another, the last
   jump back, but for those in handlers, which stand behind all else, and far
   away. Whatever is left out goes back to the original. */
static uint32_t
find_end(const xt_graph *graph, const xt_instrs *instrs, uint32_t head)
{
    const xt_instr *items = instrs->items;
    if (items[head].kind == XT_KIND_FOR_ITER) {
        uint32_t end = items[head].target + 1;
        bool pops =
            end < instrs->len && (items[end].kind == XT_KIND_POP_ITER ||
                                  items[end].kind == XT_KIND_END_FOR_POP);
        return pops ? end + 1 : end;
    }
    uint32_t end = head;
    uint32_t last = items[head].start + UNITS_MAX;
    for (uint32_t at = head; at < instrs->read_len && items[at].end <= last &&
                             (graph->flags[at] & XT_IS_HANDLER) == 0;
         at++) {
        if (items[at].kind == XT_KIND_JUMP && items[at].target == head) {
            end = at + 1;
        }
    }
    return end;
}

/* Whether all that is within a loop may be written several times. */
static bool
is_fit(const xt_graph *graph, const xt_instrs *instrs, const loop *of)
{
    const xt_instr *items = instrs->items;
    if (of->head <= graph->first_traceable || of->end <= of->head ||
        of->end > instrs->read_len ||
        items[of->end - 1].end - items[of->head].start > UNITS_MAX) {
        return false;
    }
    for (uint32_t at = of->head; at < of->end; at++) {
        uint8_t kind = items[at].kind;
        bool other =
            at > of->head && (graph->flags[at] & XT_IS_LOOP_HEAD) != 0;
        if (other || (graph->flags[at] & XT_IS_HANDLER) != 0 ||
            kind == XT_KIND_RESUME || kind == XT_KIND_SUSPEND ||
            kind == XT_KIND_SEND) {
            return false;
        }
    }
    return true;
}

/* The step behind the last instruction, if that is none of the edges: it is
   taken when there are no more items. */
static xt_edge
joined_end(const xt_graph *graph, const loop *of)
{
    float weight = 0;
    for (size_t i = of->edges; i < of->edges_end; i++) {
        const xt_edge *edge = &graph->edges[i];
        weight += edge->from == of->head && edge->kind == XT_EDGE_TAKEN
                      ? edge->weight
                      : 0;
    }
    return (xt_edge){.from = of->end - 1,
                     .to = of->end,
                     .line = -1,
                     .weight = weight,
                     .kind = XT_EDGE_FALL};
}

/* Counts what a loop is made of, whose edges do not begin before of->edges. */
static void
look_through(const xt_graph *graph, const xt_instrs *instrs, loop *of)
{
    while (of->edges < graph->len &&
           !is_within(of, graph->edges[of->edges].from)) {
        of->edges++;
    }
    of->edges_end = of->edges;
    while (of->edges_end < graph->len &&
           is_within(of, graph->edges[of->edges_end].from)) {
        const xt_edge *edge = &graph->edges[of->edges_end++];
        of->latches += is_latch(of, edge);
        of->ways_out += needs_way_out(of, edge);
        if (is_latch(of, edge)) {
            of->goes_on += edge->weight;
        }
        else if (!is_within(of, edge->to)) {
            of->ends += edge->weight;
        }
    }
    if (ends_joined(graph, instrs, of)) {
        of->ends += joined_end(graph, of).weight;
    }
    of->ways_out += ends_joined(graph, instrs, of);
    uint32_t units =
        instrs->items[of->end - 1].end - instrs->items[of->head].start;
    of->times = UNITS_IN_ALL / units < XT_UNROLL_TIMES ? UNITS_IN_ALL / units
                                                       : XT_UNROLL_TIMES;
}

/* --- Copies ------------------------------------------------------------ */

static xt_status
reserve_instrs(xt_instrs *instrs, size_t len, size_t units)
{
    xt_instr *items =
        xt_grow(instrs->items, &instrs->cap, len, sizeof(*items));
    if (items == NULL) {
        return XT_NOMEM;
    }
    instrs->items = items;
    uint32_t *origins = xt_grow(instrs->origins, &instrs->origins_cap,
                                len - instrs->read_len, sizeof(*origins));
    if (origins == NULL) {
        return XT_NOMEM;
    }
    instrs->origins = origins;
    uint32_t *at_unit =
        xt_grow(instrs->at_unit, &instrs->units_cap, units, sizeof(*at_unit));
    if (at_unit == NULL) {
        return XT_NOMEM;
    }
    instrs->at_unit = at_unit;
    uint32_t *jumps =
        xt_grow(instrs->jumps, &instrs->jumps_cap, len, sizeof(*jumps));
    if (jumps == NULL) {
        return XT_NOMEM;
    }
    instrs->jumps = jumps;
    return XT_OK;
}

static xt_status
reserve_graph(xt_graph *graph, size_t len, size_t edges_len)
{
    uint8_t *flags = xt_grow(graph->flags, &graph->flags_cap, len, 1);
    if (flags == NULL) {
        return XT_NOMEM;
    }
    graph->flags = flags;
    uint32_t *degrees = xt_grow(graph->in_degree, &graph->in_degree_cap, len,
                                sizeof(*degrees));
    if (degrees == NULL) {
        return XT_NOMEM;
    }
    graph->in_degree = degrees;
    uint16_t *depth = xt_grow(graph->loop_depth, &graph->loop_depth_cap,
                              len + 1, sizeof(*depth));
    if (depth == NULL) {
        return XT_NOMEM;
    }
    graph->loop_depth = depth;
    xt_edge *edges =
        xt_grow(graph->edges, &graph->cap, edges_len, sizeof(*edges));
    if (edges == NULL) {
        return XT_NOMEM;
    }
    graph->edges = edges;
    uint32_t *heads =
        xt_grow(graph->heads, &graph->heads_cap, len + 1, sizeof(*heads));
    if (heads == NULL) {
        return XT_NOMEM;
    }
    graph->heads = heads;
    return XT_OK;
}

/* Makes room for the copies of a loop. */
static xt_status
reserve(xt_graph *graph, xt_instrs *instrs, const loop *of)
{
    size_t copies = of->times - 1;
    size_t instrs_of_copy = (size_t)of->end - of->head + of->ways_out + 1;
    size_t units =
        instrs->items[of->end - 1].end - instrs->items[of->head].start;
    size_t edges_of_copy = of->edges_end - of->edges + of->ways_out + 2;
    size_t len = instrs->len + copies * instrs_of_copy + of->latches;
    xt_status status =
        reserve_instrs(instrs, len,
                       instrs->units + copies * (units + of->ways_out + 1) +
                           of->latches * units);
    return status == XT_OK
               ? reserve_graph(graph, len,
                               graph->len + copies * edges_of_copy +
                                   of->latches)
               : status;
}

/* Adds an instruction like `item`, which stands for `origin`. */
static uint32_t
add_instr(xt_graph *graph, xt_instrs *instrs, xt_instr item, uint32_t origin)
{
    uint32_t at = (uint32_t)instrs->len++;
    uint32_t units = item.end - item.start;
    item.start = (uint32_t)instrs->units;
    item.end = item.start + units;
    instrs->items[at] = item;
    instrs->origins[at - instrs->read_len] = origin;
    for (uint32_t i = 0; i < units; i++) {
        instrs->at_unit[instrs->units++] = at;
    }
    if (item.target != XT_NONE) {
        instrs->jumps[instrs->jumps_len++] = at;
    }
    graph->flags[at] = 0;
    graph->loop_depth[at] = 0;
    return at;
}

static void
add_edge(xt_graph *graph, xt_edge like, uint32_t from, uint32_t to,
         float share)
{
    like.from = from;
    like.to = to;
    like.weight *= share;
    graph->edges[graph->len++] = like;
}

/* Adds the jump from a copy to where the original's `edge` leads. */
static uint32_t
add_way_out(xt_graph *graph, xt_instrs *instrs, const loop *of,
            const xt_edge *edge, float share)
{
    /* What starts no line, and now gets a jump, would start one for whatever
       comes from another. */
    bool starts = (graph->flags[edge->to] & XT_STARTS_LINE) != 0;
    const xt_instr *like = &instrs->items[starts ? edge->from : edge->to];
    const xt_instr jump = {
        .start = 0,
        .end = 1,
        .target = edge->to,
        .place = like->place,
        .line = like->line,
        .op = instrs->ops->jump_backward_no_interrupt,
        .kind = XT_KIND_SILENT_JUMP,
        .added = true,
    };
    uint32_t at = add_instr(graph, instrs, jump, edge->to);
    graph->loop_depth[at] = graph->loop_depth[of->head];
    xt_edge out = *edge;
    out.kind = XT_EDGE_JUMP;
    out.wanted = false;
    add_edge(graph, out, at, edge->to, share);
    return at;
}

/* An edge of a copy that leads out of it by a jump of its own. */
static void
leave(xt_graph *graph, xt_instrs *instrs, const loop *of, xt_edge edge,
      uint32_t copy, float share)
{
    uint32_t from = copy + edge.from - of->head;
    uint32_t way = add_way_out(graph, instrs, of, &edge, share);
    if (edge.kind != XT_EDGE_FALL) {
        instrs->items[from].target = way;
    }
    edge.line = -1;
    add_edge(graph, edge, from, way, share);
}

/* What stands in front of a copy, where nothing leads: what comes out of a
   call is looked up in the exception table one code unit before, and 3.12 has
   some exceptions arise there. It belongs to what it stands for. */
static void
add_front(xt_graph *graph, xt_instrs *instrs, const loop *of)
{
    xt_instr front = instrs->items[of->head - 1];
    front.start = 0;
    front.end = 1;
    front.target = XT_NONE;
    front.extended = 0;
    front.op = instrs->ops->nop;
    front.kind = XT_KIND_PLAIN;
    front.added = true;
    uint32_t at = add_instr(graph, instrs, front, of->head - 1);
    const xt_edge never = {.line = -1, .kind = XT_EDGE_FALL};
    add_edge(graph, never, of->head - 1, at, 0);
}

/* An edge of a copy, for the original's. */
static void
copy_edge(xt_graph *graph, xt_instrs *instrs, const loop *of, size_t number,
          const xt_edge *edge)
{
    uint32_t copy = of->copy[number];
    uint32_t from = copy + edge->from - of->head;
    float share = 1 / (float)of->times;
    if (is_latch(of, edge)) {
        uint32_t next =
            number + 1 < of->times ? of->copy[number + 1] : of->head;
        instrs->items[from].target = next;
        add_edge(graph, *edge, from, next, share);
    }
    else if (needs_way_out(of, edge)) {
        leave(graph, instrs, of, *edge, copy, share);
    }
    else {
        uint32_t to =
            is_within(of, edge->to) ? copy + edge->to - of->head : edge->to;
        add_edge(graph, *edge, from, to, share);
    }
}

static bool
falls_out(const loop *of, const xt_edge *edge)
{
    return edge->kind == XT_EDGE_FALL && edge->to == of->end;
}

static void
add_copy(xt_graph *graph, xt_instrs *instrs, loop *of, size_t number)
{
    add_front(graph, instrs, of);
    uint32_t copy = (uint32_t)instrs->len;
    of->copy[number] = copy;
    for (uint32_t at = of->head; at < of->end; at++) {
        xt_instr item = instrs->items[at];
        if (item.target != XT_NONE && is_within(of, item.target)) {
            item.target = copy + item.target - of->head;
        }
        uint32_t added = add_instr(graph, instrs, item, at);
        graph->flags[added] = graph->flags[at];
        graph->loop_depth[added] = graph->loop_depth[at];
    }
    /* Where the last instruction falls must stand right behind it. */
    if (ends_joined(graph, instrs, of)) {
        const xt_edge edge = joined_end(graph, of);
        copy_edge(graph, instrs, of, number, &edge);
    }
    for (int rest = 0; rest < 2; rest++) {
        for (size_t i = of->edges; i < of->edges_end; i++) {
            const xt_edge edge = graph->edges[i];
            if (falls_out(of, &edge) == (rest == 0)) {
                copy_edge(graph, instrs, of, number, &edge);
            }
        }
    }
}

/* Has the latches of the original lead to the first copy, and its edges have
   their share. */
static void
add_bridges(xt_graph *graph, xt_instrs *instrs, const loop *of)
{
    float share = 1 / (float)of->times;
    for (size_t i = of->edges; i < of->edges_end; i++) {
        xt_edge *edge = &graph->edges[i];
        if (is_latch(of, edge)) {
            xt_instr bridge = instrs->items[edge->from];
            bridge.target = of->copy[1];
            uint32_t at = add_instr(graph, instrs, bridge, edge->from);
            graph->loop_depth[at] = graph->loop_depth[of->head];
            add_edge(graph, *edge, at, of->copy[1], share * BRIDGE);
            xt_instr *latch = &instrs->items[edge->from];
            latch->op = instrs->ops->jump_forward;
            latch->end = latch->start + latch->extended + 1;
            latch->target = at;
            latch->added = true;
            edge->to = at;
            edge->line = -1;
        }
        edge->weight *= share;
    }
}

/* A block may now end behind a loop, where control went straight on. */
static void
part_blocks(xt_graph *graph, const xt_instrs *instrs, const loop *of)
{
    if (!ends_joined(graph, instrs, of)) {
        return;
    }
    size_t block = 0;
    while (graph->heads[block + 1] < of->end) {
        block++;
    }
    uint16_t depth = graph->loop_depth[graph->heads[block]];
    graph->loop_depth[of->end - 1] = depth;
    graph->loop_depth[of->end] = depth;
}

static void
rename_outside(xt_graph *graph, uint32_t outside)
{
    for (size_t i = 0; i < graph->len; i++) {
        xt_edge *edge = &graph->edges[i];
        edge->from = edge->from == graph->outside ? outside : edge->from;
        edge->to = edge->to == graph->outside ? outside : edge->to;
    }
    graph->outside = outside;
}

static void
count_degrees(xt_graph *graph)
{
    for (size_t i = 0; i < graph->outside; i++) {
        graph->in_degree[i] = (graph->flags[i] & XT_IS_JOINED) != 0;
    }
    for (size_t i = 0; i < graph->len; i++) {
        if (graph->edges[i].to != graph->outside) {
            graph->in_degree[graph->edges[i].to]++;
        }
    }
}

/* The next loop behind *found that may be written several times, in its place.
   False if there is none. */
static bool
find_loop(const xt_graph *graph, const xt_instrs *instrs,
          xt_unroll_loops loops, loop *found)
{
    uint16_t depth = loops == XT_UNROLL_NESTED ? 2 : 1;
    if (loops == XT_UNROLL_NONE) {
        return false;
    }
    for (uint32_t head = found->end; head < instrs->read_len; head++) {
        if ((graph->flags[head] & XT_IS_LOOP_HEAD) == 0 ||
            graph->loop_depth[head] < depth) {
            continue;
        }
        *found = (loop){.head = head,
                        .end = find_end(graph, instrs, head),
                        .edges = found->edges};
        if (!is_fit(graph, instrs, found)) {
            continue;
        }
        look_through(graph, instrs, found);
        if (found->latches > 0 && found->goes_on > found->ends) {
            return true;
        }
    }
    return false;
}

bool
xt_unroll_may_pay(const xt_graph *graph, const xt_instrs *instrs,
                  xt_unroll_loops loops, float before)
{
    loop of = {0};
    float saved = 0; /* of one plain probe in each round, at most */
    while (find_loop(graph, instrs, loops, &of)) {
        saved += of.goes_on;
    }
    return saved > (1 - MARGIN) * before;
}

xt_status
xt_unroll(xt_graph *graph, xt_instrs *instrs, xt_unroll_loops loops)
{
    loop of = {0};
    while (find_loop(graph, instrs, loops, &of) &&
           instrs->units - instrs->read_units <= ADDED_MAX) {
        if (reserve(graph, instrs, &of) != XT_OK) {
            return XT_NOMEM;
        }
        if (instrs->len == instrs->read_len) {
            rename_outside(graph, NO_INSTRUCTION);
        }
        part_blocks(graph, instrs, &of);
        for (size_t i = of.times - 1; i > 0; i--) {
            add_copy(graph, instrs, &of, i);
        }
        add_bridges(graph, instrs, &of);
        graph->unrolled += of.goes_on / (float)of.times * COST_OF_CYCLE +
                           of.ends * COST_OF_WAY_OUT;
    }
    if (instrs->len > instrs->read_len) {
        rename_outside(graph, (uint32_t)instrs->len);
        graph->loop_depth[graph->outside] = 0;
        count_degrees(graph);
        xt_graph_find_blocks(graph);
    }
    return XT_OK;
}

bool
xt_unroll_pays(const xt_graph *graph, float before, float cost)
{
    return cost + graph->unrolled < MARGIN * before;
}
