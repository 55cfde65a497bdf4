// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "annotate.h"
#include "mem.h"

#define NO XT_ANNOTATE_NO_COUNT

/* Annotates a text whose lines 2 and 3 can run and line 1 ran `count` times;
   the caller frees the listing. */
static xt_status
annotate(const char *text, int64_t count, xt_buf *out,
         xt_annotate_totals *totals)
{
    const int64_t counts[] = {99, count};
    uint64_t words[] = {1 << 2 | 1 << 3};
    const xt_bitset executable = {words, 1};
    const xt_annotate_source source = {
        .text = text,
        .len = strlen(text),
        .counts = counts,
        .counts_len = 2,
        .executable = &executable,
        .pragma = "#pragma NO COVER",
        .pragma_len = 16,
    };
    return xt_annotate_write(&source, out, totals);
}

static void
check(const char *text, int64_t count, const char *expected, size_t hit,
      size_t lines)
{
    xt_buf out = {0};
    xt_annotate_totals totals;
    assert_int_equal(XT_OK, annotate(text, count, &out, &totals));
    assert_int_equal(XT_OK, xt_buf_append(&out, "", 1));
    assert_string_equal(expected, out.bytes);
    assert_int_equal(hit, totals.hit);
    assert_int_equal(lines, totals.lines);
    xt_buf_fini(&out);
}

static void
each_line_has_its_margin(void **state)
{
    (void)state;
    check("a\nb\nc\nd\n", 7, "    7: a\n>>>>>> b\n>>>>>> c\n       d\n", 1, 3);
    check("a\n", NO, "       a\n", 0, 0);
}

static void
counts_widen_their_margin(void **state)
{
    (void)state;
    check("a", 0, "    0: a\n", 1, 1);
    check("a", 99999, "99999: a\n", 1, 1);
    check("a", 123456, "123456: a\n", 1, 1);
    check("a", -5, "   -5: a\n", 1, 1);
    check("a", INT64_MAX, "9223372036854775807: a\n", 1, 1);
    check("a", INT64_MIN + 1, "-9223372036854775807: a\n", 1, 1);
}

static void
the_last_line_gets_its_newline(void **state)
{
    (void)state;
    check("a\nb", 1, "    1: a\n>>>>>> b\n", 1, 2);
    check("", NO, "       \n", 0, 0);
    check("", 1, "    1: \n", 1, 1);
    check("\n\n", NO, "       \n>>>>>> \n", 0, 1);
}

static void
tabs_go_to_columns_of_eight_characters(void **state)
{
    (void)state;
    check("\tx", NO, "               x\n", 0, 0);
    check("1234567\tx", NO, "       1234567 x\n", 0, 0);
    check("12345678\tx", NO, "       12345678        x\n", 0, 0);
    check("\xc3\xa4\xe2\x82\xac\t.", NO,
          "       \xc3\xa4\xe2\x82\xac      .\n", 0, 0);
    check("\xf0\x9f\x98\x80\t.", NO, "       \xf0\x9f\x98\x80       .\n", 0,
          0);
    check("a\f\tb", NO, "       a\f      b\n", 0, 0);
    check("abc\r\tb", NO, "       abc\r        b\n", 0, 0);
}

static void
a_line_with_the_pragma_is_never_missing(void **state)
{
    (void)state;
    check("a\nb #pragma NO COVER\nc # pragma: no cover\n", NO,
          "       a\n       b #pragma NO COVER\n"
          ">>>>>> c # pragma: no cover\n",
          0, 1);
    check("a #pragma NO COVER\nb ##pragma NO COVER.\nc #pragma NO COVE\n", 3,
          "    3: a #pragma NO COVER\n       b ##pragma NO COVER.\n"
          ">>>>>> c #pragma NO COVE\n",
          1, 2);
}

static void
lines_are_counted(void **state)
{
    (void)state;
    assert_int_equal(1, xt_annotate_count_lines("", 0));
    assert_int_equal(1, xt_annotate_count_lines("a", 1));
    assert_int_equal(1, xt_annotate_count_lines("a\n", 2));
    assert_int_equal(2, xt_annotate_count_lines("\n\n", 2));
    assert_int_equal(2, xt_annotate_count_lines("a\nb", 3));
}

static void
failed_allocations_are_reported(void **state)
{
    (void)state;
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_buf out = {0};
        xt_annotate_totals totals;
        xt_mem_fail_after(successes);
        status = annotate("a long line\twith\ttabs\nb\nc\n", 1, &out, &totals);
        xt_mem_fail_after(-1);
        assert_true(status == XT_OK || status == XT_NOMEM);
        xt_buf_fini(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_has_its_margin),
        cmocka_unit_test(counts_widen_their_margin),
        cmocka_unit_test(the_last_line_gets_its_newline),
        cmocka_unit_test(tabs_go_to_columns_of_eight_characters),
        cmocka_unit_test(a_line_with_the_pragma_is_never_missing),
        cmocka_unit_test(lines_are_counted),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
