// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <limits.h>
#include <string.h>

#include "mem.h"
#include "ranges.h"

static xt_status
parse(xt_ranges *ranges, const char *text)
{
    return xt_ranges_parse(ranges, text, strlen(text));
}

static void
no_ranges_have_no_line(void **state)
{
    (void)state;
    xt_ranges ranges = {0};
    assert_false(xt_ranges_has(&ranges, 0));
    assert_false(xt_ranges_has(&ranges, 1));
    xt_ranges_fini(&ranges);
}

static void
numbers_and_ranges_are_read(void **state)
{
    (void)state;
    xt_ranges ranges = {0};
    assert_int_equal(XT_OK, parse(&ranges, "3"));
    assert_int_equal(XT_OK, parse(&ranges, "10-12,20,30-"));
    for (int line = -1; line < 40; line++) {
        bool expected = line == 3 || (line >= 10 && line <= 12) ||
                        line == 20 || line >= 30;
        assert_int_equal(expected, xt_ranges_has(&ranges, line));
    }
    assert_true(xt_ranges_has(&ranges, INT_MAX));
    xt_ranges_fini(&ranges);
}

static void
anything_else_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",     "-",    "-3",   "3,",     ",3",         "3-2",          "3--4",
        "3 -4", "x",    "3-x",  "3,x",    "3-4-5",      "+3",           "3;4",
        "3\n",  "1,,2", "0x10", "1-2,3-", "2147483648", "1-9999999999",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        xt_ranges ranges = {0};
        assert_int_equal(XT_OK, parse(&ranges, "7"));
        bool good = strcmp(bad[i], "1-2,3-") == 0;
        assert_int_equal(good ? XT_OK : XT_CORRUPT, parse(&ranges, bad[i]));
        assert_int_equal(good ? 3 : 1, ranges.len);
        assert_true(xt_ranges_has(&ranges, 7));
        xt_ranges_fini(&ranges);
    }
}

static void
a_failed_allocation_leaves_the_ranges_as_they_were(void **state)
{
    (void)state;
    xt_ranges ranges = {0};
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, parse(&ranges, "1-2"));
    xt_mem_fail_after(-1);
    assert_int_equal(0, ranges.len);
    assert_int_equal(XT_OK, parse(&ranges, "1-2"));
    assert_true(xt_ranges_has(&ranges, 2));
    xt_ranges_fini(&ranges);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_ranges_have_no_line),
        cmocka_unit_test(numbers_and_ranges_are_read),
        cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
        cmocka_unit_test(a_failed_allocation_leaves_the_ranges_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
