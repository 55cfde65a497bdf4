// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "dumps.h"
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
    xt_location_entry entry;
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

static void
expect_place(const xt_location_entry *entry, int64_t line, int64_t end_line,
             int64_t column, int64_t end_column)
{
    const xt_location found = xt_location_of(entry);
    assert_true(found.has_line);
    assert_int_equal(line, entry->line);
    assert_int_equal(line, found.line);
    assert_int_equal(end_line, found.end_line);
    assert_int_equal(column, found.column);
    assert_int_equal(end_column, found.end_column);
}

static void
every_kind_of_entry_has_its_columns(void **state)
{
    (void)state;
    static const unsigned char table[] = {
        HEAD(0, 1),  0x7f,                         /* columns 7 to 22 */
        HEAD(9, 1),  0x50,                         /* 72 + 5, no length */
        HEAD(11, 1), 0x7f, 0x00,                   /* one line on: 127 to 0 */
        HEAD(14, 1), 0x01, 0x42, 0x01, 0,    1,    /* end 66 lines on; -1, 0 */
        HEAD(14, 1), 0x03, 0x00, 0x3f, 0x7f, 0x01, /* 62 to 126 */
        HEAD(13, 1), 0x02,                         /* none */
    };
    xt_location_reader reader;
    xt_location_start(&reader, table, sizeof(table), 5);
    static const int expected[][4] = {
        {5, 5, 7, 22},  {5, 5, 77, 77},  {6, 6, 127, 0},
        {6, 72, -1, 0}, {5, 5, 62, 126}, {6, 6, -1, -1},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        xt_location_entry entry;
        bool more;
        assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
        assert_true(more);
        expect_place(&entry, expected[i][0], expected[i][1], expected[i][2],
                     expected[i][3]);
    }
}

/* A table's entries, with the next ones at the same place joined, are
   written again: the compiler's own bytes come out. */
static void
write_again(xt_location_writer *writer, const xt_code_view *view,
            xt_status (*write)(xt_location_writer *,
                               const xt_location_entry *))
{
    xt_location_reader reader;
    xt_location_start(&reader, view->locations, view->locations_len,
                      view->first_line);
    writer->table.len = 0;
    writer->line = view->first_line;
    for (;;) {
        xt_location_entry entry;
        bool more;
        assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
        if (!more) {
            break;
        }
        assert_int_equal(XT_OK, write(writer, &entry));
    }
    assert_int_equal(view->locations_len, writer->table.len);
    assert_memory_equal(view->locations, writer->table.bytes,
                        writer->table.len);
}

static xt_status
write_place(xt_location_writer *writer, const xt_location_entry *entry)
{
    const xt_location place = xt_location_of(entry);
    return xt_location_write(writer, &place, entry->units);
}

static xt_status
write_entry(xt_location_writer *writer, const xt_location_entry *entry)
{
    return xt_location_write_entry(writer, entry, entry->units);
}

static void
tables_that_are_written_again_are_the_same_bytes(void **state)
{
    (void)state;
    xt_location_writer writer = {0};
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        dump all = dumps_read(minor);
        for (size_t i = 0; i < all.len; i++) {
            write_again(&writer, &all.codes[i].view, write_place);
            write_again(&writer, &all.codes[i].view, write_entry);
        }
        dumps_free(&all);
    }
    xt_buf_fini(&writer.table);
}

/* Entries taken from behind others count from a line that is not the writer's
   own; all that follow do. */
static void
entries_are_the_same_places_behind_another_line(void **state)
{
    (void)state;
    static const unsigned char table[] = {
        HEAD(0, 1),  0x12,             /* line 10 */
        HEAD(11, 2), 0x04, 0x08,       /* 11 */
        HEAD(15, 1),                   /* none */
        HEAD(14, 1), 0x04, 0,    2, 3, /* 13 */
        HEAD(10, 3), 0x05, 0x06,       /* the same */
        HEAD(13, 1), 0x07,             /* 10 again */
    };
    enum { ENTRIES = 6, LINE = 40 };
    xt_location_entry entries[ENTRIES];
    xt_location_reader reader;
    bool more;
    xt_location_start(&reader, table, sizeof(table), 10);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(XT_OK, xt_location_next(&reader, &entries[i], &more));
    }
    for (size_t first = 0; first < ENTRIES; first++) {
        xt_location_writer writer = {.line = LINE};
        assert_int_equal(XT_OK,
                         xt_location_write_entries(&writer, entries + first,
                                                   ENTRIES - first));
        xt_location_start(&reader, writer.table.bytes, writer.table.len, LINE);
        for (size_t i = first; i < ENTRIES; i++) {
            xt_location_entry found;
            assert_int_equal(XT_OK, xt_location_next(&reader, &found, &more));
            assert_true(more);
            assert_int_equal(entries[i].units, found.units);
            const xt_location place = xt_location_of(&entries[i]);
            if (place.has_line) {
                expect_place(&found, place.line, place.end_line, place.column,
                             place.end_column);
            }
            assert_int_equal(place.has_line, found.has_line);
        }
        assert_ptr_equal(reader.end, reader.at);
        xt_buf_fini(&writer.table);
    }
}

static void
any_place_is_read_as_it_was_written(void **state)
{
    (void)state;
    static const int64_t lines[] = {0, 1, 2, 3, 70, 4000, INT32_MAX};
    static const int64_t columns[] = {-1, 0,  7,   8,   15,  16,
                                      79, 80, 127, 128, 5000};
    enum { LINES = 7, COLUMNS = 11, SPANS = 3 };
    xt_location_writer writer = {.line = 1};
    for (int reading = 0; reading < 2; reading++) {
        xt_location_reader reader;
        xt_location_start(&reader, writer.table.bytes, writer.table.len, 1);
        for (int i = 0; i < LINES * COLUMNS * COLUMNS * SPANS; i++) {
            int64_t span = i % SPANS * 40;
            xt_location place = {
                .has_line = i % 7 != 3,
                .line = lines[i / SPANS / COLUMNS % LINES],
                .column = columns[i / SPANS % COLUMNS],
                .end_column = columns[i / SPANS / COLUMNS / LINES],
            };
            place.end_line = place.line + span;
            if (!reading) {
                assert_int_equal(XT_OK, xt_location_write(&writer, &place, 1));
                continue;
            }
            xt_location_entry found;
            bool more;
            assert_int_equal(XT_OK, xt_location_next(&reader, &found, &more));
            assert_int_equal(1, found.units);
            assert_int_equal(place.has_line, found.has_line);
            if (place.has_line) {
                /* A short form cannot hold one column of the two: then both
                   are unknown, as they are to the interpreter. */
                bool known =
                    (place.column >= 0 && place.end_column >= 0) || span > 0;
                expect_place(&found, place.line, place.end_line,
                             known ? place.column : -1,
                             known ? place.end_column : -1);
            }
        }
    }
    xt_buf_fini(&writer.table);
}

static void
many_code_units_are_parted_into_entries_of_eight(void **state)
{
    (void)state;
    const xt_location place = {.has_line = true,
                               .line = 4,
                               .end_line = 4,
                               .column = 1,
                               .end_column = 2};
    xt_location_writer writer = {.line = 2};
    assert_int_equal(XT_OK, xt_location_write(&writer, &place, 0));
    assert_int_equal(0, writer.table.len);
    assert_int_equal(XT_OK, xt_location_write(&writer, &place, 21));
    xt_location_reader reader;
    xt_location_start(&reader, writer.table.bytes, writer.table.len, 2);
    static const unsigned units[] = {8, 8, 5};
    for (size_t i = 0; i < 3; i++) {
        xt_location_entry entry;
        bool more;
        assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
        assert_int_equal(units[i], entry.units);
        expect_place(&entry, 4, 4, 1, 2);
    }
    assert_ptr_equal(reader.end, reader.at);
    xt_buf_fini(&writer.table);
}

static void
a_writer_without_memory_says_so(void **state)
{
    (void)state;
    const xt_location place = {.has_line = true,
                               .line = 4,
                               .end_line = 4,
                               .column = 1,
                               .end_column = 2};
    xt_location_writer writer = {.line = 2};
    xt_mem_fail_after(0);
    xt_status status = xt_location_write(&writer, &place, 3);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_NOMEM, status);
    assert_int_equal(0, writer.table.len);
    assert_int_equal(XT_OK, xt_location_write(&writer, &place, 3));
    xt_buf_fini(&writer.table);
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
        cmocka_unit_test(every_kind_of_entry_has_its_columns),
        cmocka_unit_test(tables_that_are_written_again_are_the_same_bytes),
        cmocka_unit_test(entries_are_the_same_places_behind_another_line),
        cmocka_unit_test(any_place_is_read_as_it_was_written),
        cmocka_unit_test(many_code_units_are_parted_into_entries_of_eight),
        cmocka_unit_test(a_writer_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
