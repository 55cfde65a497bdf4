// SPDX-License-Identifier: Apache-2.0
#include "spanning.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

void
xt_union_fini(xt_union *sets)
{
    xt_free(sets->parent);
    *sets = (xt_union){0};
}

xt_status
xt_union_reset(xt_union *sets, size_t len)
{
    uint32_t *parent =
        xt_renew(sets->parent, &sets->cap, len, sizeof(*parent));
    if (parent == NULL) {
        return XT_NOMEM;
    }
    sets->parent = parent;
    for (size_t i = 0; i < len; i++) {
        parent[i] = (uint32_t)i;
    }
    return XT_OK;
}

uint32_t
xt_union_find(xt_union *sets, uint32_t item)
{
    uint32_t *parent = sets->parent;
    while (parent[item] != item) {
        parent[item] = parent[parent[item]];
        item = parent[item];
    }
    return item;
}

bool
xt_union_join(xt_union *sets, uint32_t one, uint32_t other)
{
    one = xt_union_find(sets, one);
    other = xt_union_find(sets, other);
    if (one == other) {
        return false;
    }
    /* Towards the smaller number: the result does not depend on the order. */
    if (one < other) {
        sets->parent[other] = one;
    }
    else {
        sets->parent[one] = other;
    }
    return true;
}

void
xt_spanning_fini(xt_spanning *work)
{
    xt_union_fini(&work->sets);
    xt_free(work->order);
    xt_free(work->degree);
    *work = (xt_spanning){0};
}

static xt_status
reserve(xt_spanning *work, size_t edges, size_t nodes)
{
    uint32_t *order =
        xt_renew(work->order, &work->order_cap, 2 * edges, sizeof(*order));
    if (order == NULL) {
        return XT_NOMEM;
    }
    work->order = order;
    uint32_t *degree =
        xt_renew(work->degree, &work->degree_cap, 2 * nodes, sizeof(*degree));
    if (degree == NULL) {
        return XT_NOMEM;
    }
    work->degree = degree;
    return XT_OK;
}

/* Without branches, which the processor would guess wrong half of the time. */
static inline bool
is_before(const xt_span_edge *edges, uint32_t one, uint32_t other)
{
    float weight = edges[one].weight;
    float other_weight = edges[other].weight;
    return (weight > other_weight) |
           ((weight == other_weight) & (one < other));
}

/* Merges two sorted runs that follow each other; `spare` has room for the
   first. */
static void
merge(const xt_span_edge *edges, uint32_t *run, size_t first, size_t len,
      uint32_t *spare)
{
    memcpy(spare, run, first * sizeof(*run));
    size_t out = 0;
    size_t one = 0;
    size_t other = first;
    while (one < first && other < len) {
        uint32_t here = spare[one];
        uint32_t there = run[other];
        bool later = is_before(edges, there, here);
        run[out++] = later ? there : here;
        other += later;
        one += !later;
    }
    memcpy(run + out, spare + one, (first - one) * sizeof(*run));
}

/* Heaviest first. Most come in long runs that are sorted already, so merging
   costs little; and qsort() can neither be told of the weights without a
   global nor is it free of allocations everywhere. */
static void
sort(const xt_span_edge *edges, uint32_t *order, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t width = 1; width < len; width *= 2) {
        for (size_t i = 0; i + width < len; i += 2 * width) {
            uint32_t *run = order + i;
            size_t both = len - i < 2 * width ? len - i : 2 * width;
            if (is_before(edges, run[width], run[width - 1])) {
                merge(edges, run, width, both, order + len);
            }
        }
    }
}

xt_status
xt_spanning_forest(xt_spanning *work, xt_span_edge *edges, size_t len,
                   uint32_t nodes)
{
    if (xt_union_reset(&work->sets, nodes) != XT_OK ||
        reserve(work, len, nodes) != XT_OK) {
        return XT_NOMEM;
    }
    sort(edges, work->order, len);
    for (size_t i = 0; i < len; i++) {
        xt_span_edge *edge = &edges[work->order[i]];
        edge->in_forest = xt_union_join(&work->sets, edge->from, edge->to);
    }
    return XT_OK;
}

/* Each leaf names the one edge that it has left: all edges at a node are kept
   as one number, their exclusive or. */
xt_status
xt_spanning_order(xt_spanning *work, const xt_span_edge *edges, size_t len,
                  uint32_t nodes, uint32_t root, xt_span_step *steps,
                  size_t *count)
{
    if (reserve(work, len, nodes) != XT_OK) {
        return XT_NOMEM;
    }
    uint32_t *degree = work->degree;
    uint32_t *joined = work->degree + nodes;
    memset(degree, 0, 2 * (size_t)nodes * sizeof(*degree));
    for (uint32_t i = 0; i < len; i++) {
        if (edges[i].in_forest) {
            degree[edges[i].from]++;
            degree[edges[i].to]++;
            joined[edges[i].from] ^= i;
            joined[edges[i].to] ^= i;
        }
    }
    *count = 0;
    for (uint32_t start = 0; start < nodes; start++) {
        uint32_t leaf = start;
        while (leaf != root && degree[leaf] == 1) {
            uint32_t edge = joined[leaf];
            steps[(*count)++] = (xt_span_step){edge, leaf};
            degree[leaf] = 0;
            uint32_t other =
                edges[edge].from == leaf ? edges[edge].to : edges[edge].from;
            degree[other]--;
            joined[other] ^= edge;
            leaf = other;
        }
    }
    return XT_OK;
}
