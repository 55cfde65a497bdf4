// SPDX-License-Identifier: Apache-2.0
/* A code object on its whole way through core/flow, for the tests. */
#ifndef XT_TESTS_ANALYSIS_H
#define XT_TESTS_ANALYSIS_H

#include "rewrite.h"
#include "unroll.h"

/* Zero is a valid empty one; it may be used again and again. */
typedef struct {
    xt_instrs instrs;
    xt_graph graph;
    xt_planner planner;
    xt_plan plan;
    xt_rewrite rewrite;
    uint32_t first_const;
    bool branches;
    xt_unroll_loops unroll;
} analysis;

/* Does all that can be done; the first status that is not XT_OK is the
   result. The plan is empty then, or whole. */
xt_status analysis_run(analysis *of, const xt_code_view *view, bool branches,
                       xt_unroll_loops unroll, uint32_t first_const);

void analysis_free(analysis *of);

/* The rewritten code, borrowed. */
xt_code_view analysis_new_view(const analysis *of, const xt_code_view *view);

/* What every test of flow goes through: each code object of the dumps, and
   as many random ones, of every version, with branches and without. Calls
   `check` for those that can be counted, and returns how many they are. */
typedef void analysis_check(const analysis *of, const xt_code_view *view,
                            uint32_t seed);
size_t analysis_each(analysis_check *check);

/* The same for those with a loop that may be written several times, which is.
 */
size_t analysis_each_unrolled(analysis_check *check);

/* The original's code unit that an old unit stands for. */
uint32_t analysis_origin(const analysis *of, uint32_t old_unit);

#endif
