// SPDX-License-Identifier: Apache-2.0
/* Maximum-weight spanning forests, and solving flows on them.
 *
 * When what goes into each node comes out of it again, the flow on the edges
 * of a spanning forest follows from the flow on all other edges (Knuth and
 * Stevenson, "Optimal measurement points for program frequency counts", BIT
 * 13, 1973). So only the others need a counter, and a forest of the heaviest
 * edges leaves the lightest to be counted (Ball and Larus, "Optimally
 * profiling and tracing programs", TOPLAS 16, 1994). Kruskal's algorithm.
 */
#ifndef XT_SPANNING_H
#define XT_SPANNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

/* Disjoint sets of numbers, each known by one of its members. */
typedef struct {
    uint32_t *parent; /* owned */
    size_t cap;
} xt_union;

void xt_union_fini(xt_union *sets);

/* Makes a set of each number below `len`. XT_NOMEM. */
xt_status xt_union_reset(xt_union *sets, size_t len);

/* Puts an item that is alone into the set of one with a smaller number. */
static inline void
xt_union_follow(xt_union *sets, uint32_t item, uint32_t smaller)
{
    sets->parent[item] = sets->parent[smaller];
}

uint32_t xt_union_find(xt_union *sets, uint32_t item);

/* Makes one set of two. False when they were one already. */
bool xt_union_join(xt_union *sets, uint32_t one, uint32_t other);

typedef struct {
    uint32_t from;
    uint32_t to;
    float weight;
    bool in_forest; /* set by xt_spanning_forest() */
} xt_span_edge;

/* One step of a solution: the flow of `edge` follows from the balance of
   `node`, all other edges of which are known by then. */
typedef struct {
    uint32_t edge;
    uint32_t node;
} xt_span_step;

/* Scratch memory, used again and again. Zero is valid. */
typedef struct {
    xt_union sets;
    uint32_t *order; /* owned: edges, and as much room to sort them */
    size_t order_cap;
    uint32_t *degree; /* owned */
    size_t degree_cap;
} xt_spanning;

void xt_spanning_fini(xt_spanning *work);

/* Sets in_forest for the edges of a maximum-weight spanning forest of a graph
   with nodes 0 to nodes - 1. Among equal weights the earlier edge is taken,
   so that the result is the same everywhere. XT_NOMEM. */
xt_status xt_spanning_forest(xt_spanning *work, xt_span_edge *edges,
                             size_t len, uint32_t nodes);

/* Writes the forest's edges to `steps` (room for one per edge in the forest),
   in an order in which each can be solved; *count becomes their number. The
   balance of `root` is never used. XT_NOMEM. */
xt_status xt_spanning_order(xt_spanning *work, const xt_span_edge *edges,
                            size_t len, uint32_t nodes, uint32_t root,
                            xt_span_step *steps, size_t *count);

#endif
