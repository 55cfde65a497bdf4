// SPDX-License-Identifier: Apache-2.0
/* Where a code object gets probes, and how the rest is solved from them.
 *
 * Instructions between which nothing is asked for become one node, unless it
 * is cheap to count there; the edges that are left and that count towards the
 * same thing become one class. Of the classes a maximum-weight spanning forest
 * needs no probe (spanning.h).
 */
#ifndef XT_PLAN_H
#define XT_PLAN_H

#include "graph.h"
#include "spanning.h"

/* Which slot counts what follows from the code alone, with what its jumps
   remember (recall.h). Where that changes, this number does: files hold slots
   (core/store/journal.h). */
enum { XT_FLOW_VERSION = 8 };

/* Edges that run between the same nodes and fire the same line. */
typedef struct {
    uint32_t from; /* nodes */
    uint32_t to;
    int32_t line;    /* of the event that it fires, or -1: nobody asks, unless
                        it is wanted */
    uint32_t slot;   /* of its counter; XT_NONE: it is solved */
    uint32_t edge;   /* the first of its edges in the graph */
    uint32_t origin; /* the instruction where that begins */
    bool taken;      /* and whether it is a conditional jump that is taken */
    bool reraised;   /* or an exception that is raised on, to a handler */
    bool wanted;     /* asked for by itself; then it is its only edge */
} xt_plan_class;

/* A probe that does not stand on its edge. Before a jump, it has counted what
   the jump itself raises and what so does not get to the other end; some way
   behind the edge, it misses what is interrupted on that way. */
typedef struct {
    uint32_t class;
    uint32_t instr; /* where interrupts are to be taken from or added to it */
    bool early;     /* taken from */
} xt_plan_shift;

/* What is kept of a code object to solve its counts. Zero is empty. */
typedef struct {
    xt_plan_class *classes; /* owned */
    size_t classes_len;
    uint32_t *node_of; /* owned: per instruction, and then that of outside; or
                          NULL, if it was forgotten */
    uint32_t nodes;
    uint32_t slots;
    xt_span_step *steps; /* owned; their edges are classes */
    size_t steps_len;
    xt_plan_shift *shifts; /* owned */
    size_t shifts_len;
} xt_plan;

void xt_plan_fini(xt_plan *plan);

/* Forgets which instruction is of which node: as long as nothing breaks the
   flow (solve.h), nobody asks. */
void xt_plan_forget_nodes(xt_plan *plan);

typedef enum {
    XT_PROBE_NOWHERE,
    XT_PROBE_FALL,       /* before `at`, for what falls into it only */
    XT_PROBE_LABEL,      /* before `at`, for whatever goes there */
    XT_PROBE_BEFORE,     /* before the jump `at`, for whatever goes there */
    XT_PROBE_TRAMPOLINE, /* on the way from the jump `at` to its target */
    XT_PROBE_FUSED,      /* within `at`, whose constant the counter gives */
} xt_probe_where;

typedef struct {
    uint32_t at;      /* the instruction */
    uint32_t slot;    /* what it counts in */
    uint32_t counter; /* the object that does */
    uint32_t late; /* how many instructions behind the edge a fused one is */
    uint8_t where; /* xt_probe_where */
    bool fires;    /* it stands where a line event fires */
} xt_probe;

/* Scratch memory, used again and again. Zero is valid. */
typedef struct {
    xt_union sets;
    xt_spanning spanning;
    xt_span_edge *ends; /* owned: one per class */
    size_t ends_cap;
    uint32_t *class_of; /* owned: per edge of the graph, or XT_NONE */
    size_t class_of_cap;
    uint32_t *chains; /* owned: the latest class into each node, and then the
                         one before it for each class */
    size_t chains_cap;
    uint32_t *members; /* owned: edges per class */
    size_t members_cap;
    xt_probe *probes; /* owned: the result for xt_rewrite_build() */
    size_t probes_len;
    size_t probes_cap;
    uint32_t *slot_of; /* owned: per counter, its slot */
    uint32_t counters;
    float cost; /* of all probes, as often as they are likely to run */
    size_t slot_of_cap;
} xt_planner;

void xt_planner_fini(xt_planner *planner);

/* Plans the probes of a graph: they are in planner->probes until the next
   call, sorted by nothing in particular; `plan` must be empty. XT_UNSUPPORTED
   when an edge that has to be counted cannot be; XT_NOMEM. */
xt_status xt_plan_build(xt_plan *plan, xt_planner *planner,
                        const xt_graph *graph, const xt_instrs *instrs);

/* Finds anew what xt_plan_forget_nodes() forgot, for the plan of this graph.
   XT_NOMEM: nothing has changed. */
xt_status xt_plan_find_nodes(xt_plan *plan, xt_planner *planner,
                             const xt_graph *graph, const xt_instrs *instrs);

#endif
