// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>

#include "bitset.h"
#include "mem.h"

static void
an_empty_set_has_no_member(void **state)
{
    (void)state;
    xt_bitset set = {0};
    size_t item = 0;
    assert_false(xt_bitset_has(&set, 0));
    assert_false(xt_bitset_has(&set, 1000000));
    assert_false(xt_bitset_next(&set, &item));
    assert_int_equal(0, item);
    xt_bitset_remove(&set, 5);
    xt_bitset_fini(&set);
}

static void
members_come_back_in_order(void **state)
{
    (void)state;
    static const size_t items[] = {700, 0, 63, 64, 65, 128, 5};
    static const size_t sorted[] = {0, 5, 63, 64, 65, 128, 700};
    xt_bitset set = {0};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(XT_OK, xt_bitset_add(&set, items[i]));
    }
    size_t item = 0;
    for (size_t i = 0; i < 7; i++, item++) {
        assert_true(xt_bitset_next(&set, &item));
        assert_int_equal(sorted[i], item);
    }
    assert_false(xt_bitset_next(&set, &item));
    xt_bitset_fini(&set);
}

/* Random changes, against an array of flags. */
static void
a_set_agrees_with_an_array_of_flags(void **state)
{
    (void)state;
    enum { SIZE = 500 };
    char flags[SIZE] = {0};
    xt_bitset set = {0};
    uint32_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t item = (seed >> 8) % SIZE;
        if ((seed >> 24 & 3) == 0) {
            xt_bitset_remove(&set, item);
            flags[item] = 0;
        }
        else {
            assert_int_equal(XT_OK, xt_bitset_add(&set, item));
            flags[item] = 1;
        }
    }
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_equal(flags[i], xt_bitset_has(&set, i));
    }
    xt_bitset_fini(&set);
}

static void
subtracting_takes_only_common_members(void **state)
{
    (void)state;
    xt_bitset set = {0};
    xt_bitset gone = {0};
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(XT_OK, xt_bitset_add(&set, i));
    }
    assert_int_equal(XT_OK, xt_bitset_add(&gone, 7));
    assert_int_equal(XT_OK, xt_bitset_add(&gone, 5000));
    xt_bitset_subtract(&set, &gone);
    assert_false(xt_bitset_has(&set, 7));
    assert_true(xt_bitset_has(&set, 8));
    assert_true(xt_bitset_has(&set, 99));
    assert_true(xt_bitset_has(&gone, 5000));
    xt_bitset_fini(&set);
    xt_bitset_fini(&gone);
}

static void
a_failed_allocation_leaves_the_set_as_it_was(void **state)
{
    (void)state;
    xt_bitset set = {0};
    assert_int_equal(XT_OK, xt_bitset_add(&set, 3));
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_bitset_add(&set, 100000));
    xt_mem_fail_after(-1);
    assert_true(xt_bitset_has(&set, 3));
    assert_false(xt_bitset_has(&set, 100000));
    assert_int_equal(XT_OK, xt_bitset_add(&set, 100000));
    assert_true(xt_bitset_has(&set, 100000));
    xt_bitset_fini(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_no_member),
        cmocka_unit_test(members_come_back_in_order),
        cmocka_unit_test(a_set_agrees_with_an_array_of_flags),
        cmocka_unit_test(subtracting_takes_only_common_members),
        cmocka_unit_test(a_failed_allocation_leaves_the_set_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
