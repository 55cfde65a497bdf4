// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <math.h>
#include <string.h>

#include "mem.h"
#include "placement.h"

/* What a probe costs where it stands, measured in plain ones. A fused one
   saves two instructions; a way of its own is a jump there and one back. */
static const float COST_OF_FUSED = 0.6F;
static const float COST_OF_TRAMPOLINE = 1.6F;

static const float SELDOM = 0.05F; /* runs for each call */

void
xt_plan_fini(xt_plan *plan)
{
    xt_free(plan->classes);
    xt_free(plan->node_of);
    xt_free(plan->steps);
    xt_free(plan->shifts);
    *plan = (xt_plan){0};
}

void
xt_plan_forget_nodes(xt_plan *plan)
{
    xt_free(plan->node_of);
    plan->node_of = NULL;
}

void
xt_planner_fini(xt_planner *planner)
{
    xt_union_fini(&planner->sets);
    xt_spanning_fini(&planner->spanning);
    xt_free(planner->ends);
    xt_free(planner->class_of);
    xt_free(planner->chains);
    xt_free(planner->members);
    xt_free(planner->probes);
    xt_free(planner->slot_of);
    *planner = (xt_planner){0};
}

/* Whether an edge that nobody asks for stays one: if it may be cheaper to
   count than what is asked for beside it. The end of a loop is so, and what
   leads to a constant into which a probe can be fused; where control seldom
   comes, it is not worth the work. */
static bool
is_cheap(const xt_graph *graph, const xt_instrs *instrs, const xt_edge *edge)
{
    if (edge->from == graph->outside || edge->to == graph->outside ||
        edge->from < graph->first_traceable || edge->weight < SELDOM) {
        return false;
    }
    bool ends = edge->kind == XT_EDGE_TAKEN &&
                instrs->items[edge->from].kind == XT_KIND_FOR_ITER;
    if (ends || graph->loop_depth[edge->to] < graph->loop_depth[edge->from]) {
        return true;
    }
    return graph->in_degree[edge->to] == 1 &&
           xt_placement_find_fused(graph, instrs, edge->to).where !=
               XT_PROBE_NOWHERE;
}

enum { CONTRACTED = XT_NONE, APART = 0 }; /* class_of, before there are any */

/* Makes one node of what no edge of interest parts, and numbers the nodes. */
xt_status
xt_plan_find_nodes(xt_plan *plan, xt_planner *planner, const xt_graph *graph,
                   const xt_instrs *instrs)
{
    size_t len = (size_t)graph->outside + 1;
    uint32_t *class_of = xt_renew(planner->class_of, &planner->class_of_cap,
                                  graph->len, sizeof(*class_of));
    if (class_of == NULL) {
        return XT_NOMEM;
    }
    planner->class_of = class_of;
    uint32_t *node_of = xt_malloc(len * sizeof(*node_of));
    if (node_of == NULL || xt_union_reset(&planner->sets, len) != XT_OK) {
        xt_free(node_of);
        return XT_NOMEM;
    }
    xt_plan_forget_nodes(plan);
    plan->node_of = node_of;
    plan->nodes = 0;
    for (size_t i = 0; i < graph->heads_len; i++) {
        uint32_t head = graph->heads[i];
        if ((graph->flags[head] & XT_IS_JOINED) != 0) {
            xt_union_follow(&planner->sets, head, head - 1);
        }
        xt_union_follow(&planner->sets, graph->heads[i + 1] - 1, head);
    }
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        bool apart =
            edge->line >= 0 || edge->wanted || is_cheap(graph, instrs, edge);
        class_of[i] = apart ? APART : CONTRACTED;
        if (!apart) {
            xt_union_join(&planner->sets, edge->from, edge->to);
        }
    }
    /* A set is known by its smallest member: it is numbered first. */
    for (size_t i = 0; i <= graph->heads_len; i++) {
        uint32_t head = graph->heads[i];
        uint32_t set = xt_union_find(&planner->sets, head);
        uint32_t node = set == head ? plan->nodes++ : plan->node_of[set];
        uint32_t end = head == graph->outside ? head + 1 : graph->heads[i + 1];
        for (uint32_t at = head; at < end; at++) {
            plan->node_of[at] = node;
        }
    }
    return XT_OK;
}

static xt_status
reserve(xt_plan *plan, xt_planner *planner, size_t counted)
{
    uint32_t *chains = xt_renew(planner->chains, &planner->chains_cap,
                                plan->nodes + counted, sizeof(*chains));
    if (chains == NULL) {
        return XT_NOMEM;
    }
    planner->chains = chains;
    uint32_t *members = xt_renew(planner->members, &planner->members_cap,
                                 counted, sizeof(*members));
    if (members == NULL) {
        return XT_NOMEM;
    }
    planner->members = members;
    xt_span_edge *ends =
        xt_renew(planner->ends, &planner->ends_cap, counted, sizeof(*ends));
    if (ends == NULL) {
        return XT_NOMEM;
    }
    planner->ends = ends;
    plan->classes = xt_malloc(counted * sizeof(*plan->classes));
    return plan->classes == NULL ? XT_NOMEM : XT_OK;
}

/* The class that an edge belongs to, or XT_NONE if it begins a new one. */
static uint32_t
find_class(const xt_plan *plan, const xt_planner *planner,
           const xt_plan_class *new)
{
    uint32_t at = planner->chains[new->to];
    while (at != XT_NONE) {
        const xt_plan_class *class = &plan->classes[at];
        if (class->from == new->from &&class->line == new->line) {
            break;
        }
        at = planner->chains[plan->nodes + at];
    }
    return at;
}

static xt_status
find_classes(xt_plan *plan, xt_planner *planner, const xt_graph *graph,
             const xt_instrs *instrs)
{
    size_t counted = 0;
    for (size_t i = 0; i < graph->len; i++) {
        counted += planner->class_of[i] != CONTRACTED;
    }
    if (reserve(plan, planner, counted) != XT_OK) {
        return XT_NOMEM;
    }
    for (size_t i = 0; i < plan->nodes; i++) {
        planner->chains[i] = XT_NONE;
    }
    for (uint32_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (planner->class_of[i] == CONTRACTED) {
            continue;
        }
        xt_plan_class new = {
            .from = plan->node_of[edge->from],
            .to = plan->node_of[edge->to],
            .line = edge->line,
            .slot = XT_NONE,
            .edge = i,
            .origin = edge->from == graph->outside
                          ? edge->from
                          : xt_instrs_origin(instrs, edge->from),
            .taken = edge->kind == XT_EDGE_TAKEN,
            .reraised = edge->kind == XT_EDGE_RERAISE,
            .wanted = edge->wanted,
        };
        if (new.from == new.to &&new.line < 0 && !new.wanted) {
            planner->class_of[i] = CONTRACTED; /* there is another way */
            continue;
        }
        uint32_t at = edge->wanted ? XT_NONE : find_class(plan, planner, &new);
        if (at == XT_NONE) {
            at = (uint32_t)plan->classes_len++;
            plan->classes[at] = new;
            planner->members[at] = 0;
            if (!edge->wanted) {
                planner->chains[plan->nodes + at] = planner->chains[new.to];
                planner->chains[new.to] = at;
            }
        }
        planner->class_of[i] = at;
        planner->members[at]++;
    }
    return XT_OK;
}

/* Whether one probe at the target counts the whole class: then every edge
   into the target is of it. */
static bool
is_label(const xt_planner *planner, const xt_graph *graph,
         const xt_instrs *instrs, uint32_t class, const xt_edge *edge)
{
    return edge->to != graph->outside &&
           planner->members[class] == graph->in_degree[edge->to] &&
           xt_placement_may_label(graph, instrs, edge->to);
}

/* members[class] is right for is_label() only if all its edges end at the
   same instruction: makes it 0 where they do not. */
static void
check_targets(const xt_plan *plan, xt_planner *planner, const xt_graph *graph)
{
    for (uint32_t i = 0; i < graph->len; i++) {
        uint32_t at = planner->class_of[i];
        if (at != XT_NONE &&
            graph->edges[plan->classes[at].edge].to != graph->edges[i].to) {
            planner->members[at] = 0;
        }
    }
}

/* Where the probe of an edge goes that has one, or would have. */
static xt_probe
find_probe(const xt_planner *planner, const xt_graph *graph,
           const xt_instrs *instrs, uint32_t class, const xt_edge *edge)
{
    bool label = is_label(planner, graph, instrs, class, edge);
    bool only = edge->to != graph->outside && graph->in_degree[edge->to] == 1;
    xt_probe probe = {.where = XT_PROBE_NOWHERE};
    if (label || only) {
        probe = xt_placement_find_fused(graph, instrs, edge->to);
    }
    if (probe.where != XT_PROBE_NOWHERE) {
        return probe;
    }
    return label ? (xt_probe){.at = edge->to, .where = XT_PROBE_LABEL}
                 : xt_placement_find(graph, instrs, edge);
}

static float
cost_of(xt_probe probe)
{
    switch ((xt_probe_where)probe.where) {
    case XT_PROBE_NOWHERE:
        return INFINITY;
    case XT_PROBE_TRAMPOLINE:
        return COST_OF_TRAMPOLINE;
    case XT_PROBE_FUSED:
        return COST_OF_FUSED;
    case XT_PROBE_FALL:
    case XT_PROBE_LABEL:
    case XT_PROBE_BEFORE:
        break;
    }
    return 1;
}

static void
weigh_classes(const xt_plan *plan, xt_planner *planner, const xt_graph *graph,
              const xt_instrs *instrs)
{
    for (size_t i = 0; i < plan->classes_len; i++) {
        planner->ends[i] = (xt_span_edge){
            .from = plan->classes[i].from,
            .to = plan->classes[i].to,
        };
    }
    for (uint32_t i = 0; i < graph->len; i++) {
        uint32_t class = planner->class_of[i];
        if (class == XT_NONE) {
            continue;
        }
        const xt_edge *edge = &graph->edges[i];
        xt_probe probe = find_probe(planner, graph, instrs, class, edge);
        planner->ends[class].weight += cost_of(probe) * edge->weight;
    }
}

static xt_status
choose(xt_plan *plan, xt_planner *planner, uint32_t outside)
{
    xt_status status = xt_spanning_forest(&planner->spanning, planner->ends,
                                          plan->classes_len, plan->nodes);
    size_t solved = 0;
    planner->cost = 0;
    for (size_t i = 0; i < plan->classes_len && status == XT_OK; i++) {
        if (planner->ends[i].in_forest) {
            solved++;
        }
        else if (isinf(planner->ends[i].weight)) {
            status = XT_UNSUPPORTED;
        }
        else {
            plan->classes[i].slot = plan->slots++;
            planner->cost += planner->ends[i].weight;
        }
    }
    if (status != XT_OK) {
        return status;
    }
    plan->steps = xt_malloc(solved * sizeof(*plan->steps));
    if (plan->steps == NULL) {
        return XT_NOMEM;
    }
    return xt_spanning_order(
        &planner->spanning, planner->ends, plan->classes_len, plan->nodes,
        plan->node_of[outside], plan->steps, &plan->steps_len);
}

/* The counter of a probe: one that gives a constant has its own, the others of
   a slot share one, whose number is in planner->chains by then. */
static uint32_t
find_counter(xt_planner *planner, const xt_probe *probe)
{
    uint32_t *shared = &planner->chains[probe->slot];
    if (probe->where != XT_PROBE_FUSED && *shared != XT_NONE) {
        return *shared;
    }
    uint32_t counter = planner->counters++;
    planner->slot_of[counter] = probe->slot;
    if (probe->where != XT_PROBE_FUSED) {
        *shared = counter;
    }
    return counter;
}

static xt_status
add_probe(xt_planner *planner, xt_probe probe)
{
    size_t len = planner->probes_len + 1;
    xt_probe *probes =
        xt_grow(planner->probes, &planner->probes_cap, len, sizeof(*probes));
    if (probes == NULL) {
        return XT_NOMEM;
    }
    planner->probes = probes;
    uint32_t *slot_of = xt_grow(planner->slot_of, &planner->slot_of_cap, len,
                                sizeof(*slot_of));
    if (slot_of == NULL) {
        return XT_NOMEM;
    }
    planner->slot_of = slot_of;
    probe.counter = find_counter(planner, &probe);
    probes[planner->probes_len++] = probe;
    return XT_OK;
}

/* Places the probes of every class that has a slot. */
static xt_status
place(xt_plan *plan, xt_planner *planner, const xt_graph *graph,
      const xt_instrs *instrs)
{
    planner->probes_len = 0;
    planner->counters = 0;
    for (uint32_t i = 0; i < plan->slots; i++) {
        planner->chains[i] = XT_NONE;
    }
    for (uint32_t i = 0; i < graph->len; i++) {
        uint32_t at = planner->class_of[i];
        if (at == XT_NONE || plan->classes[at].slot == XT_NONE) {
            continue;
        }
        const xt_edge *edge = &graph->edges[i];
        if (plan->classes[at].edge != i &&
            is_label(planner, graph, instrs, at, edge)) {
            continue; /* the first of its edges has the probe of all */
        }
        xt_probe probe = find_probe(planner, graph, instrs, at, edge);
        probe.slot = plan->classes[at].slot;
        probe.fires = edge->line >= 0;
        if (add_probe(planner, probe) != XT_OK) {
            return XT_NOMEM;
        }
        plan->shifts_len += probe.where == XT_PROBE_BEFORE ? 1 : probe.late;
    }
    return XT_OK;
}

/* Notes the probes that do not stand on their edges. */
static xt_status
note_shifts(xt_plan *plan, const xt_planner *planner)
{
    if (plan->shifts_len == 0) {
        return XT_OK;
    }
    uint32_t *class_of_slot = xt_malloc(plan->slots * sizeof(uint32_t));
    plan->shifts = xt_malloc(plan->shifts_len * sizeof(*plan->shifts));
    if (class_of_slot == NULL || plan->shifts == NULL) {
        xt_free(class_of_slot);
        return XT_NOMEM;
    }
    for (uint32_t i = 0; i < plan->classes_len; i++) {
        if (plan->classes[i].slot != XT_NONE) {
            class_of_slot[plan->classes[i].slot] = i;
        }
    }
    size_t len = 0;
    for (size_t i = 0; i < planner->probes_len; i++) {
        const xt_probe *probe = &planner->probes[i];
        uint32_t class = class_of_slot[probe->slot];
        if (probe->where == XT_PROBE_BEFORE) {
            plan->shifts[len++] = (xt_plan_shift){class, probe->at, true};
        }
        for (uint32_t late = probe->late; late > 0; late--) {
            plan->shifts[len++] =
                (xt_plan_shift){class, probe->at - late, false};
        }
    }
    xt_free(class_of_slot);
    return XT_OK;
}

xt_status
xt_plan_build(xt_plan *plan, xt_planner *planner, const xt_graph *graph,
              const xt_instrs *instrs)
{
    xt_status status = xt_plan_find_nodes(plan, planner, graph, instrs);
    if (status == XT_OK) {
        status = find_classes(plan, planner, graph, instrs);
    }
    if (status == XT_OK) {
        check_targets(plan, planner, graph);
        weigh_classes(plan, planner, graph, instrs);
        status = choose(plan, planner, graph->outside);
    }
    if (status == XT_OK) {
        status = place(plan, planner, graph, instrs);
    }
    if (status == XT_OK) {
        status = note_shifts(plan, planner);
    }
    if (status != XT_OK) {
        xt_plan_fini(plan);
    }
    return status;
}
