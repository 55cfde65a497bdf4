// SPDX-License-Identifier: Apache-2.0
/* Spanning forests of small random graphs, beside all forests that there
   are. */
#include "cmocka_all.h"

#include <math.h>
#include <string.h>

#include "mem.h"
#include "spanning.h"

enum { NODES = 6, EDGES = 9, TRIALS = 600 };

static uint32_t
next_random(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 10) % below;
}

/* Loops, edges side by side, parts that do not hang together, equal weights
   and infinite ones: all that control flow may come to. */
static size_t
make_edges(uint32_t *seed, uint32_t nodes, xt_span_edge *edges)
{
    size_t len = next_random(seed, EDGES + 1);
    for (size_t i = 0; i < len; i++) {
        uint32_t weight = next_random(seed, 8);
        edges[i] = (xt_span_edge){
            .from = next_random(seed, nodes),
            .to = next_random(seed, nodes),
            .weight = weight == 7 ? INFINITY : (float)weight / 4,
            .in_forest = next_random(seed, 2) == 0, /* whatever was there */
        };
    }
    return len;
}

/* The simple way: which part of the graph each node is in, by colouring. */
static unsigned
count_parts(const xt_span_edge *edges, size_t len, uint32_t nodes,
            unsigned chosen)
{
    uint32_t colour[NODES];
    for (uint32_t i = 0; i < nodes; i++) {
        colour[i] = i;
    }
    unsigned parts = nodes;
    for (size_t i = 0; i < len; i++) {
        uint32_t from = colour[edges[i].from];
        uint32_t to = colour[edges[i].to];
        if ((chosen >> i & 1) == 0 || from == to) {
            continue;
        }
        for (uint32_t node = 0; node < nodes; node++) {
            colour[node] = colour[node] == from ? to : colour[node];
        }
        parts--;
    }
    return parts;
}

static unsigned
count_bits(unsigned set)
{
    unsigned bits = 0;
    for (; set != 0; set &= set - 1) {
        bits++;
    }
    return bits;
}

/* What is compared: how many edges weigh infinitely, and the sum of the
   others. */
static double
weigh(const xt_span_edge *edges, size_t len, unsigned chosen)
{
    double sum = 0;
    for (size_t i = 0; i < len; i++) {
        if ((chosen >> i & 1) != 0) {
            sum += isinf(edges[i].weight) ? 1000 : (double)edges[i].weight;
        }
    }
    return sum;
}

static double
heaviest_forest(const xt_span_edge *edges, size_t len, uint32_t nodes)
{
    double best = 0;
    for (unsigned chosen = 0; chosen < 1U << len; chosen++) {
        /* Without a cycle each edge joins two parts. */
        if (count_parts(edges, len, nodes, chosen) ==
            nodes - count_bits(chosen)) {
            double weight = weigh(edges, len, chosen);
            best = weight > best ? weight : best;
        }
    }
    return best;
}

static void
a_forest_spans_the_graph_and_none_is_heavier(void **state)
{
    (void)state;
    xt_spanning work = {0};
    uint32_t seed = 1;
    for (int trial = 0; trial < TRIALS; trial++) {
        xt_span_edge edges[EDGES];
        uint32_t nodes = 1 + next_random(&seed, NODES);
        size_t len = make_edges(&seed, nodes, edges);
        assert_int_equal(XT_OK, xt_spanning_forest(&work, edges, len, nodes));
        unsigned forest = 0;
        for (size_t i = 0; i < len; i++) {
            forest |= (edges[i].in_forest ? 1U : 0U) << i;
        }
        unsigned parts = count_parts(edges, len, nodes, forest);
        assert_int_equal(nodes - count_bits(forest), parts);
        assert_int_equal(count_parts(edges, len, nodes, ~0U), parts);
        double heaviest = heaviest_forest(edges, len, nodes);
        assert_true(weigh(edges, len, forest) == heaviest);
    }
    xt_spanning_fini(&work);
}

static void
among_equal_weights_the_earlier_edge_is_taken(void **state)
{
    (void)state;
    xt_span_edge edges[] = {
        {0, 0, 1, true},  {1, 0, 1, false}, {0, 1, 1, true},
        {1, 2, 2, false}, {2, 0, 1, true},  {2, 1, 2, true},
    };
    static const bool expected[] = {false, true, false, true, false, false};
    xt_spanning work = {0};
    for (int again = 0; again < 2; again++) {
        assert_int_equal(XT_OK, xt_spanning_forest(&work, edges, 6, 3));
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(expected[i], edges[i].in_forest);
        }
    }
    xt_spanning_fini(&work);
}

/* Each edge of the forest has one step, at one of its ends, where all other
   edges of the forest have been solved by then. */
static void
check_order(const xt_span_edge *edges, size_t len, uint32_t root,
            const xt_span_step *steps, size_t count)
{
    bool solved[EDGES] = {false};
    for (size_t i = 0; i < count; i++) {
        const xt_span_edge *edge = &edges[steps[i].edge];
        uint32_t node = steps[i].node;
        assert_true(edge->in_forest);
        assert_false(solved[steps[i].edge]);
        assert_true(node == edge->from || node == edge->to);
        assert_int_not_equal(root, node);
        solved[steps[i].edge] = true;
        for (size_t j = 0; j < len; j++) {
            if (edges[j].in_forest && !solved[j]) {
                assert_int_not_equal(node, edges[j].from);
                assert_int_not_equal(node, edges[j].to);
            }
        }
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(edges[i].in_forest, solved[i]);
    }
}

static void
every_edge_is_solved_when_its_neighbours_are(void **state)
{
    (void)state;
    xt_spanning work = {0};
    uint32_t seed = 99;
    for (int trial = 0; trial < TRIALS; trial++) {
        xt_span_edge edges[EDGES];
        xt_span_step steps[EDGES];
        uint32_t nodes = 1 + next_random(&seed, NODES);
        size_t len = make_edges(&seed, nodes, edges);
        uint32_t root = next_random(&seed, nodes);
        size_t count = 77;
        assert_int_equal(XT_OK, xt_spanning_forest(&work, edges, len, nodes));
        assert_int_equal(XT_OK, xt_spanning_order(&work, edges, len, nodes,
                                                  root, steps, &count));
        check_order(edges, len, root, steps, count);
    }
    xt_spanning_fini(&work);
}

/* Closed walks over the graph, counted by edge: what is not in the forest
   tells all the rest. */
static void
flows_follow_from_what_is_not_in_the_forest(void **state)
{
    (void)state;
    xt_spanning work = {0};
    uint32_t seed = 7;
    for (int trial = 0; trial < TRIALS; trial++) {
        xt_span_edge edges[EDGES];
        xt_span_step steps[EDGES];
        int64_t flow[EDGES] = {0};
        int64_t balance[NODES] = {0}; /* in minus out, of what is known */
        uint32_t nodes = 1 + next_random(&seed, NODES);
        size_t len = make_edges(&seed, nodes, edges);
        size_t count;
        for (int walk = 0; walk < 20 && len > 0; walk++) {
            /* Any edge, and then on until the walk is where it began; walks
               that do not come back do not count. */
            int64_t steps_of[EDGES] = {0};
            uint32_t first = next_random(&seed, (uint32_t)len);
            uint32_t at = edges[first].to;
            steps_of[first]++;
            for (int i = 0; i < 50 && at != edges[first].from; i++) {
                uint32_t next = next_random(&seed, (uint32_t)len);
                if (edges[next].from == at) {
                    steps_of[next]++;
                    at = edges[next].to;
                }
            }
            for (size_t i = 0; i < len && at == edges[first].from; i++) {
                flow[i] += steps_of[i];
            }
        }
        assert_int_equal(XT_OK, xt_spanning_forest(&work, edges, len, nodes));
        assert_int_equal(XT_OK, xt_spanning_order(&work, edges, len, nodes, 0,
                                                  steps, &count));
        for (size_t i = 0; i < len; i++) {
            if (!edges[i].in_forest) {
                balance[edges[i].to] += flow[i];
                balance[edges[i].from] -= flow[i];
            }
        }
        for (size_t i = 0; i < count; i++) {
            const xt_span_edge *edge = &edges[steps[i].edge];
            int64_t missing = -balance[steps[i].node];
            int64_t found = edge->to == steps[i].node ? missing : -missing;
            assert_int_equal(flow[steps[i].edge], found);
            balance[edge->to] += found;
            balance[edge->from] -= found;
        }
        for (uint32_t i = 0; i < nodes; i++) {
            assert_int_equal(0, balance[i]);
        }
    }
    xt_spanning_fini(&work);
}

static void
sets_that_were_joined_are_one(void **state)
{
    (void)state;
    enum { ITEMS = 40 };
    xt_union sets = {0};
    uint32_t seed = 3;
    for (int trial = 0; trial < 20; trial++) {
        uint32_t twin[ITEMS]; /* the smallest member of each one's set */
        assert_int_equal(XT_OK, xt_union_reset(&sets, ITEMS));
        for (uint32_t i = 0; i < ITEMS; i++) {
            twin[i] = i;
        }
        for (int step = 0; step < 60; step++) {
            uint32_t one = next_random(&seed, ITEMS);
            uint32_t other = next_random(&seed, ITEMS);
            uint32_t low = twin[one] < twin[other] ? twin[one] : twin[other];
            uint32_t high = twin[one] < twin[other] ? twin[other] : twin[one];
            assert_int_equal(low != high, xt_union_join(&sets, one, other));
            for (uint32_t i = 0; i < ITEMS; i++) {
                twin[i] = twin[i] == high ? low : twin[i];
                assert_int_equal(twin[i], xt_union_find(&sets, i));
            }
        }
    }
    xt_union_fini(&sets);
}

static void
a_failed_allocation_is_said(void **state)
{
    (void)state;
    xt_span_edge edges[] = {{0, 1, 1, false}};
    xt_span_step steps[1];
    size_t count = 0;
    xt_status status = XT_NOMEM;
    long allowed = 0;
    for (; status == XT_NOMEM; allowed++) {
        xt_spanning work = {0};
        xt_mem_fail_after(allowed);
        status = xt_spanning_forest(&work, edges, 1, 2);
        xt_mem_fail_after(-1);
        assert_int_equal(XT_OK, xt_spanning_forest(&work, edges, 1, 2));
        xt_spanning_fini(&work);
        xt_mem_fail_after(0);
        assert_int_equal(
            XT_NOMEM, xt_spanning_order(&work, edges, 1, 2, 0, steps, &count));
        xt_mem_fail_after(-1);
        xt_spanning_fini(&work);
    }
    assert_true(allowed == 4);
    assert_int_equal(XT_OK, status);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forest_spans_the_graph_and_none_is_heavier),
        cmocka_unit_test(among_equal_weights_the_earlier_edge_is_taken),
        cmocka_unit_test(every_edge_is_solved_when_its_neighbours_are),
        cmocka_unit_test(flows_follow_from_what_is_not_in_the_forest),
        cmocka_unit_test(sets_that_were_joined_are_one),
        cmocka_unit_test(a_failed_allocation_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
