// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "location.h"
#include "mem.h"

/* The first byte of an entry. */
#define HEAD(kind, units) (0x80 | (kind) << 3 | ((units) - 1))

static void
every_kind_of_entry_moves_the_line_as_it_should(void **state)
{
    (void)state;
    static const unsigned char table[] = {
        HEAD(13, 1), 0x00,                /* no columns, the same line */
        HEAD(0, 8),  0x12,                /* short form */
        HEAD(11, 2), 0x04, 0x08,          /* one line further */
        HEAD(12, 1), 0x04, 0x08,          /* two lines further */
        HEAD(15, 1),                      /* no line */
        HEAD(14, 1), 0x50, 0x01, 0, 1, 1, /* long: 2 * 40 in two groups */
        HEAD(13, 3), 0x07,                /* three lines back */
        HEAD(10, 1), 0x7f, 0x7f,          /* the same line */
    };
    static const struct {
        unsigned units;
        int line; /* -1: none */
    } expected[] = {{1, 10}, {8, 10}, {2, 11}, {1, 13},
                    {1, -1}, {1, 53}, {3, 50}, {1, 50}};
    xt_location_reader reader;
    xt_location_start(&reader, table, sizeof(table), 10);
    xt_location entry;
    bool more;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
        assert_true(more);
        assert_int_equal(expected[i].units, entry.units);
        assert_int_equal(expected[i].line != -1, entry.has_line);
        if (entry.has_line) {
            assert_int_equal(expected[i].line, entry.line);
        }
    }
    assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
    assert_false(more);
}

static xt_status
collect(const unsigned char *table, size_t len, int64_t first,
        xt_location_lines *into)
{
    /* A copy of the exact size, so that a sanitizer sees every byte that is
       read behind the end. */
    unsigned char *copy = calloc(1, len == 0 ? 1 : len);
    memcpy(copy, table, len);
    xt_status status = xt_location_collect(copy, len, first, into);
    free(copy);
    return status;
}

static void
collecting_leaves_out_lines_that_no_source_has(void **state)
{
    (void)state;
    static const unsigned char table[] = {
        HEAD(13, 1), 0x00,                         /* 5 */
        HEAD(13, 1), 0x40 | 0x3e, 0x7f, 0x7f, 0x1, /* 5 and far too much */
        HEAD(15, 1),
    };
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_OK, collect(table, sizeof(table), 5, &found));
    assert_true(xt_bitset_has(&found.lines, 5));
    size_t next = 6;
    assert_false(xt_bitset_next(&found.lines, &next));
    assert_true(found.lines.cap < 100);
    assert_true(found.has_gap);
    xt_bitset_fini(&found.lines);
}

static void
a_line_of_minus_one_is_none_and_others_below_zero_are_left_out(void **state)
{
    (void)state;
    static const unsigned char table[] = {
        HEAD(13, 1), 0x03, /* 0 - 1 */
        HEAD(13, 1), 0x03, /* -2 */
    };
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_OK, collect(table, sizeof(table), 0, &found));
    size_t next = 0;
    assert_false(xt_bitset_next(&found.lines, &next));
    assert_true(found.has_gap);
    xt_bitset_fini(&found.lines);
}

static void
an_empty_table_has_no_lines(void **state)
{
    (void)state;
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_OK, collect((const unsigned char *)"", 0, 1, &found));
    assert_false(found.has_gap);
    assert_null(found.lines.words);
}

static void
broken_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[12];
        size_t len;
    } tables[] = {
        {{0x00}, 1},                           /* begins with no head */
        {{HEAD(13, 1)}, 1},                    /* the delta is missing */
        {{HEAD(14, 1), 0x40}, 2},              /* the delta is cut off */
        {{HEAD(13, 1), 0x40, HEAD(15, 1)}, 3}, /* so it is by another entry */
        {{HEAD(13, 1), 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x01},
         10}, /* too long */
        {{HEAD(13, 1), 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x01}, 8},
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        xt_location_lines found = {.limit = 100};
        assert_int_equal(XT_CORRUPT,
                         collect(tables[i].bytes, tables[i].len, 1, &found));
        xt_bitset_fini(&found.lines);
    }
}

static void
a_failed_allocation_is_reported(void **state)
{
    (void)state;
    static const unsigned char table[] = {HEAD(13, 1), 0x00};
    xt_location_lines found = {.limit = 100};
    xt_mem_fail_after(0);
    xt_status status = xt_location_collect(table, sizeof(table), 5, &found);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_NOMEM, status);
    assert_int_equal(XT_OK, collect(table, sizeof(table), 5, &found));
    assert_true(xt_bitset_has(&found.lines, 5));
    xt_bitset_fini(&found.lines);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_entry_moves_the_line_as_it_should),
        cmocka_unit_test(collecting_leaves_out_lines_that_no_source_has),
        cmocka_unit_test(
            a_line_of_minus_one_is_none_and_others_below_zero_are_left_out),
        cmocka_unit_test(an_empty_table_has_no_lines),
        cmocka_unit_test(broken_tables_are_refused),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
