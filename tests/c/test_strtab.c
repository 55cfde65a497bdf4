// SPDX-License-Identifier: Apache-2.0
/* The table, and with it the index (rowindex.c) that finds its rows. */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "strtab.h"

static uint32_t
intern(xt_strtab *tab, const char *text)
{
    uint32_t id = UINT32_MAX;
    assert_int_equal(XT_OK, xt_strtab_intern(tab, text, strlen(text), &id));
    return id;
}

static void
assert_string(const xt_strtab *tab, uint32_t id, const char *text)
{
    size_t len;
    const char *bytes = xt_strtab_get(tab, id, &len);
    assert_int_equal(strlen(text), len);
    assert_memory_equal(text, bytes, len);
}

static void
equal_strings_get_one_number_counted_from_one(void **state)
{
    (void)state;
    xt_strtab tab = {0};
    assert_int_equal(1, intern(&tab, "a.py"));
    assert_int_equal(2, intern(&tab, ""));
    assert_int_equal(1, intern(&tab, "a.py"));
    assert_int_equal(3, intern(&tab, "a.p"));
    assert_int_equal(2, intern(&tab, ""));
    assert_int_equal(3, tab.count);
    assert_string(&tab, 1, "a.py");
    assert_string(&tab, 2, "");
    assert_string(&tab, 3, "a.p");
    xt_strtab_fini(&tab);
}

static void
a_zero_byte_is_part_of_a_string(void **state)
{
    (void)state;
    xt_strtab tab = {0};
    uint32_t ids[2];
    assert_int_equal(XT_OK, xt_strtab_intern(&tab, "a\0b", 3, &ids[0]));
    assert_int_equal(XT_OK, xt_strtab_intern(&tab, "a\0c", 3, &ids[1]));
    assert_int_not_equal(ids[0], ids[1]);
    xt_strtab_fini(&tab);
}

static void
thousands_of_strings_keep_their_numbers(void **state)
{
    (void)state;
    xt_strtab tab = {0};
    char text[32];
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            (void)snprintf(text, sizeof(text), "file%u.py", i);
            assert_int_equal(i + 1, intern(&tab, text));
        }
    }
    for (uint32_t i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof(text), "file%u.py", i);
        assert_string(&tab, i + 1, text);
    }
    xt_strtab_fini(&tab);
}

static void
a_failed_allocation_leaves_the_table_as_it_was(void **state)
{
    (void)state;
    char text[32];
    int failed = 1;
    for (long successes = 0; failed; successes++) {
        xt_strtab tab = {0};
        failed = 0;
        xt_mem_fail_after(successes);
        for (uint32_t i = 0; i < 100 && !failed; i++) {
            uint32_t id = 77;
            (void)snprintf(text, sizeof(text), "file%u.py", i);
            failed = xt_strtab_intern(&tab, text, strlen(text), &id) != XT_OK;
            assert_int_equal(failed ? 77 : i + 1, id);
            assert_int_equal(failed ? i : i + 1, tab.count);
        }
        xt_mem_fail_after(-1);
        uint32_t count = (uint32_t)tab.count;
        assert_int_equal(count + 1, intern(&tab, "another"));
        assert_int_equal(count == 0 ? 2 : 1, intern(&tab, "file0.py"));
        xt_strtab_fini(&tab);
        assert_true(successes < 100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_strings_get_one_number_counted_from_one),
        cmocka_unit_test(a_zero_byte_is_part_of_a_string),
        cmocka_unit_test(thousands_of_strings_keep_their_numbers),
        cmocka_unit_test(a_failed_allocation_leaves_the_table_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
