// SPDX-License-Identifier: Apache-2.0
/* The shares are what Python prints; tests/py compares many more. */
#include "cmocka_all.h"

#include <string.h>

#include "mem.h"
#include "summary.h"

static const xt_summary_row example = {
    .hit = 2,
    .lines = 3,
    .module = "mod",
    .module_len = 3,
    .file = "/x/mod.py",
    .file_len = 9,
};

static void
check(uint64_t hit, uint64_t lines, xt_summary_style style,
      const char *expected)
{
    xt_summary_row row = example;
    row.hit = hit;
    row.lines = lines;
    xt_buf out = {0};
    assert_int_equal(XT_OK, xt_summary_write_row(&row, style, &out));
    assert_int_equal(XT_OK, xt_buf_append(&out, "", 1));
    assert_string_equal(expected, out.bytes);
    xt_buf_fini(&out);
}

static void
whole_percents_are_cut_off(void **state)
{
    (void)state;
    check(2, 3, XT_SUMMARY_WHOLE, "    3    66%   mod   (/x/mod.py)\n");
    check(0, 1, XT_SUMMARY_WHOLE, "    1     0%   mod   (/x/mod.py)\n");
    check(999, 1000, XT_SUMMARY_WHOLE, " 1000    99%   mod   (/x/mod.py)\n");
    check(5, 5, XT_SUMMARY_WHOLE, "    5   100%   mod   (/x/mod.py)\n");
    check(1, 1234567, XT_SUMMARY_WHOLE,
          "1234567     0%   mod   (/x/mod.py)\n");
}

static void
tenths_are_rounded(void **state)
{
    (void)state;
    check(2, 3, XT_SUMMARY_TENTHS, "    3   66.7%   mod   (/x/mod.py)\n");
    check(0, 1, XT_SUMMARY_TENTHS, "    1   0.0%   mod   (/x/mod.py)\n");
    check(5, 5, XT_SUMMARY_TENTHS, "    5   100.0%   mod   (/x/mod.py)\n");
    /* 6.25 and 18.75 are ties: to the even tenth. */
    check(1, 16, XT_SUMMARY_TENTHS, "   16   6.2%   mod   (/x/mod.py)\n");
    check(3, 16, XT_SUMMARY_TENTHS, "   16   18.8%   mod   (/x/mod.py)\n");
    /* 28.999999999999996 and 0.0000001. */
    check(29, 100, XT_SUMMARY_TENTHS, "  100   29.0%   mod   (/x/mod.py)\n");
    check(1, 1000000000, XT_SUMMARY_TENTHS,
          "1000000000   0.0%   mod   (/x/mod.py)\n");
    check(1999, 2000, XT_SUMMARY_TENTHS,
          " 2000   100.0%   mod   (/x/mod.py)\n");
}

static void
failed_allocations_are_reported(void **state)
{
    (void)state;
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_buf out = {0};
        xt_mem_fail_after(successes);
        status = xt_summary_write_head(&out);
        if (status == XT_OK) {
            status = xt_summary_write_row(&example, XT_SUMMARY_WHOLE, &out);
        }
        xt_mem_fail_after(-1);
        assert_true(status == XT_OK || status == XT_NOMEM);
        xt_buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_percents_are_cut_off),
        cmocka_unit_test(tenths_are_rounded),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
