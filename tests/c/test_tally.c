// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "mem.h"
#include "same_tally.h"
#include "tally.h"

static uint32_t
intern(xt_tally *tally, const char *text)
{
    uint32_t id = 0;
    assert_int_equal(
        XT_OK, xt_strtab_intern(&tally->strings, text, strlen(text), &id));
    return id;
}

static void
a_count_is_set_once_for_each_line(void **state)
{
    (void)state;
    xt_tally tally = {0};
    uint32_t a = intern(&tally, "a.py");
    uint32_t b = intern(&tally, "b.py");
    assert_int_equal(-1, xt_tally_get_count(&tally, a, 1));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, a, 1, 10));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, b, 1, 20));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, a, INT64_MIN, 0));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, a, 1, INT64_MAX));
    assert_int_equal(3, tally.ncounts);
    assert_int_equal(INT64_MAX, xt_tally_get_count(&tally, a, 1));
    assert_int_equal(20, xt_tally_get_count(&tally, b, 1));
    assert_int_equal(0, xt_tally_get_count(&tally, a, INT64_MIN));
    assert_int_equal(-1, xt_tally_get_count(&tally, b, 2));
    xt_tally_fini(&tally);
}

static void
a_function_differs_by_file_module_and_name(void **state)
{
    (void)state;
    xt_tally tally = {0};
    uint32_t a = intern(&tally, "a");
    uint32_t b = intern(&tally, "b");
    const uint32_t functions[][3] = {
        {a, a, a}, {b, a, a}, {a, b, a}, {a, a, b}, {a, XT_STRTAB_NONE, a},
    };
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5; i++) {
            uint32_t number;
            const uint32_t *f = functions[i];
            assert_int_equal(XT_OK, xt_tally_function_number(
                                        &tally, f[0], f[1], f[2], &number));
            assert_int_equal(i, number);
        }
    }
    xt_tally_set_called(&tally, 3);
    assert_int_equal(0, tally.functions[2].called);
    assert_int_equal(1, tally.functions[3].called);
    xt_tally_fini(&tally);
}

static void
a_call_has_a_direction_and_is_kept_once(void **state)
{
    (void)state;
    xt_tally tally = {0};
    uint32_t a = intern(&tally, "a");
    uint32_t b = intern(&tally, "b");
    uint32_t f, g;
    assert_int_equal(XT_OK, xt_tally_function_number(&tally, a, a, a, &f));
    assert_int_equal(XT_OK, xt_tally_function_number(&tally, a, a, b, &g));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(XT_OK, xt_tally_add_call(&tally, f, g));
        assert_int_equal(XT_OK, xt_tally_add_call(&tally, g, f));
        assert_int_equal(XT_OK, xt_tally_add_call(&tally, f, f));
    }
    assert_int_equal(3, tally.ncalls);
    assert_int_equal(f, tally.calls[0].caller);
    assert_int_equal(g, tally.calls[0].callee);
    xt_tally_fini(&tally);
}

/* Adds the same rows each time. Returns the first failure. */
static xt_status
fill(xt_tally *tally)
{
    uint32_t file = 0;
    xt_status status = xt_strtab_intern(&tally->strings, "f", 1, &file);
    for (int64_t i = 0; i < 40 && status == XT_OK; i++) {
        uint32_t name = 0, function = 0;
        char text = (char)('A' + i);
        status = xt_tally_set_count(tally, file, i, i);
        if (status == XT_OK) {
            status = xt_strtab_intern(&tally->strings, &text, 1, &name);
        }
        if (status == XT_OK) {
            status = xt_tally_function_number(tally, file, XT_STRTAB_NONE,
                                              name, &function);
        }
        if (status == XT_OK) {
            status = xt_tally_add_call(tally, function, function / 2);
        }
    }
    return status;
}

static void
a_tally_goes_on_after_a_failed_allocation(void **state)
{
    (void)state;
    xt_tally whole = {0};
    assert_int_equal(XT_OK, fill(&whole));
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_tally tally = {0};
        xt_mem_fail_after(successes);
        status = fill(&tally);
        xt_mem_fail_after(-1);
        assert_true(status == XT_OK || status == XT_NOMEM);
        assert_int_equal(XT_OK, fill(&tally));
        assert_true(same_tally(&whole, &tally));
        xt_tally_fini(&tally);
        assert_true(successes < 1000);
    }
    xt_tally_fini(&whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_set_once_for_each_line),
        cmocka_unit_test(a_function_differs_by_file_module_and_name),
        cmocka_unit_test(a_call_has_a_direction_and_is_kept_once),
        cmocka_unit_test(a_tally_goes_on_after_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
