// SPDX-License-Identifier: Apache-2.0
#include "analysis.h"

#include "cmocka_all.h"
#include "dumps.h"
#include "random_code.h"

xt_status
analysis_run(analysis *of, const xt_code_view *view, bool branches,
             xt_unroll_loops unroll, uint32_t first_const)
{
    of->first_const = first_const;
    of->branches = branches;
    of->unroll = unroll;
    xt_plan_fini(&of->plan);
    xt_status status = xt_instrs_read(&of->instrs, view);
    if (status == XT_OK) {
        status = xt_graph_build(&of->graph, &of->instrs, view, branches);
    }
    if (status == XT_OK) {
        status = xt_unroll(&of->graph, &of->instrs, unroll);
    }
    if (status == XT_OK) {
        status =
            xt_plan_build(&of->plan, &of->planner, &of->graph, &of->instrs);
    }
    if (status == XT_OK) {
        status = xt_rewrite_build(&of->rewrite, &of->instrs, view,
                                  of->planner.probes, of->planner.probes_len,
                                  first_const, of->graph.first_traceable);
    }
    return status;
}

void
analysis_free(analysis *of)
{
    xt_instrs_fini(&of->instrs);
    xt_graph_fini(&of->graph);
    xt_planner_fini(&of->planner);
    xt_plan_fini(&of->plan);
    xt_rewrite_fini(&of->rewrite);
}

xt_code_view
analysis_new_view(const analysis *of, const xt_code_view *view)
{
    const xt_rewrite *out = &of->rewrite;
    return (xt_code_view){
        .ops = view->ops,
        .code = (const unsigned char *)out->code.bytes,
        .code_len = out->code.len,
        .locations = (const unsigned char *)out->locations.table.bytes,
        .locations_len = out->locations.table.len,
        .exceptions = (const unsigned char *)out->exceptions.bytes,
        .exceptions_len = out->exceptions.len,
        .first_line = view->first_line,
    };
}

uint32_t
analysis_origin(const analysis *of, uint32_t old_unit)
{
    const xt_instrs *instrs = &of->instrs;
    uint32_t at = instrs->at_unit[old_unit];
    uint32_t origin = xt_instrs_origin(instrs, at);
    return instrs->items[origin].start + old_unit - instrs->items[at].start;
}

/* Twice: with branches and without. */
static size_t
check_both(analysis *of, const xt_code_view *view, xt_unroll_loops unroll,
           uint32_t seed, analysis_check *check)
{
    static const uint32_t first_consts[] = {3, 250, 65530};
    size_t done = 0;
    for (int branches = 0; branches < 2; branches++) {
        xt_status status = analysis_run(of, view, branches == 1, unroll,
                                        first_consts[seed % 3]);
        if (status == XT_UNSUPPORTED ||
            (unroll != XT_UNROLL_NONE &&
             of->instrs.len == of->instrs.read_len)) {
            continue;
        }
        assert_int_equal(XT_OK, status);
        check(of, view, seed);
        done++;
    }
    return done;
}

static size_t
check_each(xt_unroll_loops unroll, analysis_check *check)
{
    enum { RANDOM_ONES = 150 };
    size_t done = 0;
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        analysis of = {0};
        dump all = dumps_read(minor);
        for (uint32_t i = 0; i < all.len; i++) {
            done += check_both(&of, &all.codes[i].view, unroll, i, check);
        }
        dumps_free(&all);
        for (uint32_t i = 0; i < RANDOM_ONES; i++) {
            random_code code = random_code_make(minor, i);
            done += check_both(&of, &code.view, unroll, i, check);
            random_code_free(&code);
        }
        analysis_free(&of);
    }
    return done;
}

size_t
analysis_each(analysis_check *check)
{
    return check_each(XT_UNROLL_NONE, check);
}

size_t
analysis_each_unrolled(analysis_check *check)
{
    return check_each(XT_UNROLL_ALL, check) +
           check_each(XT_UNROLL_NESTED, check);
}
