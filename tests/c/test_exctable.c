// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "dumps.h"
#include "mem.h"

static void
ranges_are_those_that_dis_shows_and_are_written_as_they_were(void **state)
{
    (void)state;
    xt_exctable table = {0};
    xt_buf out = {0};
    size_t ranges = 0;
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        dump all = dumps_read(minor);
        for (size_t i = 0; i < all.len; i++) {
            const dumped_code *code = &all.codes[i];
            assert_int_equal(XT_OK,
                             xt_exctable_read(&table, code->view.exceptions,
                                              code->view.exceptions_len));
            assert_int_equal(code->handlers_len, table.len);
            out.len = 0;
            for (size_t j = 0; j < table.len; j++) {
                const xt_exctable_range *found = &table.ranges[j];
                assert_int_equal(code->handlers[j].start, found->start);
                assert_int_equal(code->handlers[j].end, found->end);
                assert_int_equal(code->handlers[j].target, found->target);
                assert_int_equal(code->handlers[j].depth, found->depth);
                assert_int_equal(XT_OK, xt_exctable_write(&out, found));
                ranges++;
            }
            assert_int_equal(code->view.exceptions_len, out.len);
            if (out.len > 0) {
                assert_memory_equal(code->view.exceptions, out.bytes, out.len);
            }
        }
        dumps_free(&all);
    }
    assert_true(ranges > 400);
    xt_buf_fini(&out);
    xt_exctable_fini(&table);
}

static xt_status
read_exactly(xt_exctable *table, const unsigned char *bytes, size_t len)
{
    /* A copy of the exact size, so that a sanitizer sees every byte that is
       read behind the end. */
    unsigned char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, bytes, len);
    xt_status status = xt_exctable_read(table, copy, len);
    free(copy);
    return status;
}

static void
any_numbers_are_read_as_they_were_written(void **state)
{
    (void)state;
    enum { MANY = 33 * 4 };
    xt_exctable_range ranges[MANY];
    xt_buf out = {0};
    uint32_t end = 0;
    size_t len = 0;
    /* Each bit width of each of the four numbers, ranges side by side. */
    for (unsigned bits = 0; bits < 24; bits++) {
        uint32_t number = UINT32_C(1) << bits;
        ranges[len++] = (xt_exctable_range){end, end + number, number - 1, 0};
        end += number + bits % 2;
        ranges[len++] = (xt_exctable_range){end, end, 0, number};
    }
    ranges[len++] =
        (xt_exctable_range){end, (1 << 30) - 1, (1 << 30) - 1, (1 << 30) - 1};
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(XT_OK, xt_exctable_write(&out, &ranges[i]));
    }
    xt_exctable table = {0};
    assert_int_equal(
        XT_OK, read_exactly(&table, (unsigned char *)out.bytes, out.len));
    assert_int_equal(len, table.len);
    assert_memory_equal(ranges, table.ranges, len * sizeof(ranges[0]));
    /* No proper beginning of it reads as the same. */
    for (size_t cut = 0; cut < out.len; cut++) {
        xt_status status =
            read_exactly(&table, (unsigned char *)out.bytes, cut);
        assert_true(status == XT_CORRUPT ||
                    (status == XT_OK && table.len < len));
    }
    xt_exctable_fini(&table);
    xt_buf_fini(&out);
}

static void
broken_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[12];
        size_t len;
    } tables[] = {
        {{0x80}, 1},                         /* three numbers are missing */
        {{0x80, 1, 2}, 3},                   /* and one */
        {{0x80, 1, 2, 0x40}, 4},             /* one is cut off */
        {{0xc0, 0x40, 0x40, 0x40, 0x40}, 5}, /* one is too long */
        {{0xc0, 0x40, 0x40, 0x40, 0x40, 0, 1, 2, 3}, 9},
        {{0x80, 4, 0, 0, 0x83, 4, 0, 0}, 8}, /* ranges overlap */
        {{0x84, 4, 0, 0, 0x80, 4, 0, 0}, 8}, /* and are not sorted */
    };
    xt_exctable table = {0};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        assert_int_equal(XT_CORRUPT,
                         read_exactly(&table, tables[i].bytes, tables[i].len));
    }
    assert_int_equal(XT_OK, read_exactly(&table, tables[0].bytes, 0));
    assert_int_equal(0, table.len);
    xt_exctable_fini(&table);
}

static void
a_failed_allocation_leaves_everything_as_it_was(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x80, 1, 2, 3};
    const xt_exctable_range range = {0, 1, 2, 3};
    xt_exctable table = {0};
    xt_buf out = {0};
    xt_mem_fail_after(0);
    xt_status reading = xt_exctable_read(&table, bytes, sizeof(bytes));
    xt_status writing = xt_exctable_write(&out, &range);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_NOMEM, reading);
    assert_int_equal(XT_NOMEM, writing);
    assert_int_equal(0, out.len);
    assert_int_equal(XT_OK, xt_exctable_read(&table, bytes, sizeof(bytes)));
    assert_int_equal(XT_OK, xt_exctable_write(&out, &table.ranges[0]));
    assert_int_equal(sizeof(bytes), out.len);
    assert_memory_equal(bytes, out.bytes, out.len);
    xt_buf_fini(&out);
    xt_exctable_fini(&table);
}

static void
a_table_of_no_bytes_is_empty(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x80, 1, 2, 3};
    xt_exctable table = {0};
    assert_int_equal(XT_OK, xt_exctable_read(&table, bytes, sizeof(bytes)));
    assert_int_equal(XT_OK, xt_exctable_read(&table, NULL, 0));
    assert_int_equal(0, table.len);
    xt_exctable_fini(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            ranges_are_those_that_dis_shows_and_are_written_as_they_were),
        cmocka_unit_test(any_numbers_are_read_as_they_were_written),
        cmocka_unit_test(broken_tables_are_refused),
        cmocka_unit_test(a_failed_allocation_leaves_everything_as_it_was),
        cmocka_unit_test(a_table_of_no_bytes_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
