// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "mem.h"
#include "merge.h"

/* Strings "a" and "bc", and lines of them. */
static xt_status
add_lines(xt_merge *merge, const int64_t *rows, size_t count)
{
    static const uint8_t ends[16] = {1, [8] = 3};
    uint8_t bytes[256];
    for (size_t i = 0; i < 3 * count; i++) {
        for (unsigned j = 0; j < 8; j++) {
            bytes[8 * i + j] = (uint8_t)((uint64_t)rows[i] >> (8 * j));
        }
    }
    const xt_section sections[] = {
        {.kind = 1, .columns = 0, .bytes = (const uint8_t *)"abc", .len = 3},
        {.kind = 2, .columns = 1, .bytes = ends, .len = sizeof(ends)},
        {.kind = 4, .columns = 3, .bytes = bytes, .len = 24 * count},
    };
    xt_buf file = {0};
    xt_status status = xt_tables_write(sections, 3, &file);
    if (status == XT_OK) {
        xt_tables_fault fault;
        status =
            xt_merge_add(merge, (const uint8_t *)file.bytes, file.len, &fault);
        assert_int_equal(status == XT_CORRUPT, fault.what != NULL);
    }
    xt_buf_fini(&file);
    return status;
}

/* The hits of the only row, whatever its key. */
static int64_t
only_hits(const xt_merge *merge)
{
    assert_int_equal(1, merge->tables[0].count);
    return merge->tables[0].rows[2];
}

static void
rows_of_one_key_are_summed(void **state)
{
    (void)state;
    xt_merge merge = {0};
    const int64_t rows[] = {1, 7, 5, 1, 7, 6};
    assert_int_equal(XT_OK, add_lines(&merge, rows, 2));
    assert_int_equal(XT_OK, add_lines(&merge, rows, 1));
    assert_int_equal(16, only_hits(&merge));
    xt_merge_fini(&merge);
}

static void
a_file_with_one_bad_row_adds_nothing(void **state)
{
    (void)state;
    xt_merge merge = {0};
    const int64_t good[] = {0, 1, 5};
    const int64_t bad[] = {0, 1, 5, 0, 2, -1};
    const int64_t no_string[] = {0, 1, 5, 2, 2, 1};
    assert_int_equal(XT_OK, add_lines(&merge, good, 1));
    assert_int_equal(XT_CORRUPT, add_lines(&merge, bad, 2));
    assert_int_equal(XT_CORRUPT, add_lines(&merge, no_string, 2));
    assert_int_equal(5, only_hits(&merge));
    xt_merge_fini(&merge);
}

static void
renamed_files_are_summed(void **state)
{
    (void)state;
    xt_merge merge = {0};
    const int64_t rows[] = {0, 7, 5, 1, 7, 6};
    const xt_merge_text from[] = {{"a", 1}, {"unknown", 7}};
    const xt_merge_text to[] = {{"bc", 2}, {"a", 1}};
    assert_int_equal(XT_OK, add_lines(&merge, rows, 2));
    assert_int_equal(XT_OK, xt_merge_rename(&merge, from, to, 2));
    assert_int_equal(11, only_hits(&merge));
    xt_merge_fini(&merge);
}

static void
a_sum_that_is_too_large_is_not_written(void **state)
{
    (void)state;
    xt_merge merge = {0};
    xt_buf out = {0};
    const int64_t rows[] = {0, 1, INT64_MAX};
    assert_int_equal(XT_OK, add_lines(&merge, rows, 1));
    assert_int_equal(XT_OK, xt_merge_write(&merge, NULL, 0, &out));
    assert_int_equal(XT_OK, add_lines(&merge, rows, 1));
    assert_int_equal(XT_UNSUPPORTED, xt_merge_write(&merge, NULL, 0, &out));
    xt_buf_fini(&out);
    xt_merge_fini(&merge);
}

static void
rows_of_a_file_are_found_in_a_sorted_sum(void **state)
{
    (void)state;
    xt_merge merge = {0};
    const int64_t rows[] = {1, 9, 1, 0, 7, 2, 1, 8, 3, 0, 6, 4};
    assert_int_equal(XT_OK, add_lines(&merge, rows, 4));
    xt_merge_sort(&merge);
    xt_merge_sort(&merge);
    size_t count;
    const int64_t *found = xt_merge_rows_of(&merge, 0, 2, &count);
    const int64_t wanted[] = {2, 8, 3, 2, 9, 1}; /* strings count from 1 */
    assert_int_equal(2, count);
    assert_memory_equal(wanted, found, sizeof(wanted));
    assert_int_equal(6, xt_merge_rows_of(&merge, 0, 1, &count)[1]);
    assert_null(xt_merge_rows_of(&merge, 0, 3, &count));
    assert_int_equal(0, count);
    assert_null(xt_merge_rows_of(&merge, 1, 1, &count));
    xt_buf out = {0};
    assert_int_equal(XT_OK, xt_merge_write(&merge, NULL, 0, &out));
    xt_buf_fini(&out);
    xt_merge_fini(&merge);
}

#ifdef XT_FAILING_ALLOC
static void
every_failing_allocation_is_survived(void **state)
{
    (void)state;
    const int64_t rows[] = {1, 7, 5, 0, 7, 6};
    const xt_merge_text from = {"a", 1};
    const xt_merge_text to = {"d", 1};
    const xt_merge_text notes[] = {{"key", 3}, {"value", 5}};
    xt_status status = XT_NOMEM;
    for (long successes = 0; status == XT_NOMEM; successes++) {
        xt_merge merge = {0};
        xt_buf out = {0};
        xt_mem_fail_after(successes);
        status = add_lines(&merge, rows, 2);
        if (status == XT_OK) {
            status = xt_merge_rename(&merge, &from, &to, 1);
        }
        if (status == XT_OK) {
            status = xt_merge_write(&merge, notes, 1, &out);
        }
        xt_mem_fail_after(-1);
        assert_true(successes > 5 || status == XT_NOMEM);
        xt_buf_fini(&out);
        xt_merge_fini(&merge);
    }
    assert_int_equal(XT_OK, status);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_key_are_summed),
        cmocka_unit_test(a_file_with_one_bad_row_adds_nothing),
        cmocka_unit_test(renamed_files_are_summed),
        cmocka_unit_test(a_sum_that_is_too_large_is_not_written),
        cmocka_unit_test(rows_of_a_file_are_found_in_a_sorted_sum),
#ifdef XT_FAILING_ALLOC
        cmocka_unit_test(every_failing_allocation_is_survived),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
