// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "ring.h"

static void
put(xt_ring *ring, const char *text)
{
    assert_int_equal(XT_OK, xt_ring_put(ring, text, strlen(text)));
}

/* All that the ring holds, in a static buffer. */
static const char *
held(const xt_ring *ring)
{
    static char text[1000];
    text[0] = '\0';
    for (size_t i = 0; i < xt_ring_len(ring); i++) {
        const xt_ring_line *line = xt_ring_at(ring, i);
        if (line->len > 0) {
            strncat(text, line->bytes, line->len);
        }
    }
    return text;
}

static void
a_ring_of_nothing_takes_nothing(void **state)
{
    (void)state;
    xt_ring ring = {0};
    put(&ring, "a\n");
    assert_int_equal(0, xt_ring_len(&ring));
    xt_ring_clear(&ring);
    xt_ring_fini(&ring);
}

static void
the_last_lines_are_held_oldest_first(void **state)
{
    (void)state;
    for (size_t cap = 1; cap < 6; cap++) {
        xt_ring ring = {0};
        assert_int_equal(XT_OK, xt_ring_init(&ring, cap));
        char expected[6] = "";
        for (char c = 'a'; c < 'n'; c++) {
            put(&ring, (char[]){c, '\0'});
            size_t len = strlen(expected);
            if (len == cap) {
                memmove(expected, expected + 1, len);
                len--;
            }
            expected[len] = c;
            expected[len + 1] = '\0';
            assert_string_equal(expected, held(&ring));
        }
        xt_ring_clear(&ring);
        assert_string_equal("", held(&ring));
        put(&ring, "x");
        assert_string_equal("x", held(&ring));
        xt_ring_fini(&ring);
    }
}

static void
lines_are_taken_out_oldest_first(void **state)
{
    (void)state;
    xt_ring ring = {0};
    assert_int_equal(XT_OK, xt_ring_init(&ring, 3));
    for (char c = 'a'; c < 'f'; c++) {
        put(&ring, (char[]){c, '\0'});
    }
    xt_ring_take(&ring);
    assert_string_equal("de", held(&ring));
    put(&ring, "f");
    assert_string_equal("def", held(&ring));
    put(&ring, "g"); /* in the place of the oldest */
    assert_string_equal("efg", held(&ring));
    xt_ring_take(&ring);
    xt_ring_take(&ring);
    xt_ring_take(&ring);
    assert_string_equal("", held(&ring));
    put(&ring, "h");
    assert_string_equal("h", held(&ring));
    xt_ring_fini(&ring);
}

static void
a_place_is_used_again_for_lines_of_any_length(void **state)
{
    (void)state;
    xt_ring ring = {0};
    assert_int_equal(XT_OK, xt_ring_init(&ring, 2));
    put(&ring, "a long line at first\n");
    put(&ring, "b\n");
    put(&ring, "c\n");
    put(&ring, "and a longer one than that at last\n");
    assert_string_equal("c\nand a longer one than that at last\n",
                        held(&ring));
    xt_ring_fini(&ring);
}

static void
a_long_line_is_cut_between_characters(void **state)
{
    (void)state;
    xt_ring ring = {0};
    assert_int_equal(XT_OK, xt_ring_init(&ring, 1));
    for (size_t shift = 0; shift < 2; shift++) {
        char text[XT_RING_LINE_MAX + 20];
        memset(text, 'a', shift);
        for (size_t i = shift; i + 1 < sizeof(text); i += 2) {
            memcpy(text + i, "\xC3\xA4", 2);
        }
        assert_int_equal(XT_OK, xt_ring_put(&ring, text, sizeof(text)));
        const xt_ring_line *line = xt_ring_at(&ring, 0);
        assert_true(line->len <= XT_RING_LINE_MAX);
        assert_true(line->len > XT_RING_LINE_MAX - 3);
        assert_memory_equal("\xA4...\n", line->bytes + line->len - 5, 5);
    }
    char fits[XT_RING_LINE_MAX];
    memset(fits, 'b', sizeof(fits));
    assert_int_equal(XT_OK, xt_ring_put(&ring, fits, sizeof(fits)));
    assert_int_equal(XT_RING_LINE_MAX, xt_ring_at(&ring, 0)->len);
    xt_ring_fini(&ring);
}

static void
a_failed_allocation_costs_one_line(void **state)
{
    (void)state;
    xt_ring ring = {0};
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_ring_init(&ring, 3));
    xt_mem_fail_after(-1);
    assert_int_equal(XT_OK, xt_ring_init(&ring, 3));
    put(&ring, "a\n");
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_ring_put(&ring, "b\n", 2));
    xt_mem_fail_after(-1);
    put(&ring, "c\n");
    assert_string_equal("a\nc\n", held(&ring));
    xt_ring_fini(&ring);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_of_nothing_takes_nothing),
        cmocka_unit_test(the_last_lines_are_held_oldest_first),
        cmocka_unit_test(lines_are_taken_out_oldest_first),
        cmocka_unit_test(a_place_is_used_again_for_lines_of_any_length),
        cmocka_unit_test(a_long_line_is_cut_between_characters),
        cmocka_unit_test(a_failed_allocation_costs_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
