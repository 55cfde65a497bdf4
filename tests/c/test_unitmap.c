// SPDX-License-Identifier: Apache-2.0
/* The map of code units, beside the array that it is made from, for code of
   every version and for code that is made up. */
#include "unitmap.h"

#include <stdlib.h>

#include "analysis.h"
#include "cmocka_all.h"
#include "mem.h"

static size_t longest;

static void
check_map(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)view;
    (void)seed;
    xt_unitmap map = {0};
    assert_int_equal(XT_OK, xt_unitmap_build(&map, &of->rewrite, &of->instrs));
    assert_int_equal(of->rewrite.units, map.units);
    assert_int_equal(of->instrs.units, map.old_units);
    for (uint32_t i = 0; i < map.units; i++) {
        assert_int_equal(of->rewrite.old_unit[i], xt_unitmap_find(&map, i));
    }
    for (uint32_t i = 0; i < map.old_units; i++) {
        assert_int_equal(of->instrs.at_unit[i], xt_unitmap_instr(&map, i));
    }
    uint32_t *old_unit = calloc(map.units, sizeof(*old_unit));
    uint32_t *instr_at = calloc(map.old_units, sizeof(*instr_at));
    xt_unitmap_spread(&map, old_unit, instr_at);
    assert_memory_equal(of->rewrite.old_unit, old_unit,
                        map.units * sizeof(*old_unit));
    assert_memory_equal(of->instrs.at_unit, instr_at,
                        map.old_units * sizeof(*instr_at));
    free(old_unit);
    free(instr_at);
    longest = map.old_units > longest ? map.old_units : longest;
    xt_unitmap_fini(&map);
}

static void
a_map_says_what_the_array_said(void **state)
{
    (void)state;
    assert_true(analysis_each(check_map) > 1200);
    assert_true(analysis_each_unrolled(check_map) > 100);
    assert_true(longest > 64); /* more than a word of bits */
}

static void
check_memory(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)view;
    (void)seed;
    for (long allocations = 0; allocations < 2; allocations++) {
        xt_unitmap map = {0};
        xt_mem_fail_after(allocations);
        xt_status status = xt_unitmap_build(&map, &of->rewrite, &of->instrs);
        xt_mem_fail_after(-1);
        assert_int_equal(XT_NOMEM, status);
        assert_null(map.runs);
        assert_null(map.starts);
    }
}

static void
no_memory_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    assert_true(analysis_each(check_memory) > 1200);
    assert_true(analysis_each_unrolled(check_memory) > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_says_what_the_array_said),
        cmocka_unit_test(no_memory_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
