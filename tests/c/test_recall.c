// SPDX-License-Identifier: Apache-2.0
/* What the inline caches of conditional jumps tell. */
#include <string.h>

#include "cmocka_all.h"

#include "mem.h"
#include "recall.h"

/* The interpreter's part: a cache that began as `start` and the outcomes. */
static uint16_t
shift(uint16_t start, const char *outcomes)
{
    uint16_t cache = start;
    for (; *outcomes != '\0'; outcomes++) {
        cache = (uint16_t)(cache << 1 | (*outcomes == 'j'));
    }
    return cache;
}

static void
check(uint16_t cache, bool marked, unsigned jumps, unsigned len)
{
    unsigned found;
    assert_int_equal(jumps,
                     xt_recall_jumps(xt_recall_of(cache, marked), &found));
    assert_int_equal(len, found);
}

static void
the_last_outcomes_are_told(void **state)
{
    (void)state;
    const uint16_t start = 0x5555;
    check(start, false, 0, 0);
    check(shift(start, "jj"), false, 2, 2);
    check(shift(start, "ff"), false, 0, 2);
    check(shift(start, "jjfjjjj"), false, 6, 7);
    check(shift(start, "ffffffffffff"), false, 0, 12);
    check(shift(start, "fffffffffffffffffff"), false, 0, 15);
    check(shift(start, "jffffffffffffffffff"), false, 0, 15);
    check(shift(start, "fffffffffjjjjjjjjjj"), false, 10, 15);
}

static void
a_marked_cache_tells_how_many_they_are(void **state)
{
    (void)state;
    check(1, true, 0, 0);
    check(shift(1, "j"), true, 1, 1);
    check(shift(1, "ff"), true, 0, 2);
    check(shift(1, "fjfff"), true, 1, 5);
    check(shift(1, "fffffffffffffff"), true, 0, 15);
    /* and one that was not, after all, does no harm */
    check(0x5555, true, 0, 0);
    check(shift(0x5555, "fff"), true, 0, 3);
}

/* Code with one branch, in no place of the source. */
static xt_status
read_jumps(xt_instrs *instrs, const xt_opcodes *ops, unsigned char *code,
           uint16_t cache)
{
    memset(code, 0, 16);
    code[0] = ops->nop;
    code[2] = ops->pop_jump_if_false;
    code[3] = 2;
    memcpy(code + 4, &cache, sizeof(cache));
    code[6] = ops->nop;
    code[8] = ops->nop;
    code[10] = ops->return_value;
    static const unsigned char nowhere[] = {0x80 | 15 << 3 | 5};
    const xt_code_view view = {
        .ops = ops,
        .code = code,
        .code_len = 12,
        .locations = nowhere,
        .locations_len = sizeof(nowhere),
    };
    return xt_instrs_read(instrs, &view);
}

static void
what_was_kept_is_given_again(void **state)
{
    (void)state;
    const xt_opcodes *ops = xt_opcodes_for(13);
    unsigned char code[16];
    unsigned char again[16];
    xt_instrs instrs = {0};
    uint16_t *kept = NULL;
    const uint16_t cache = shift(1, "jjf");
    assert_int_equal(XT_OK, read_jumps(&instrs, ops, code, cache));
    assert_int_equal(1, instrs.jumps_len);
    assert_int_equal(XT_OK, xt_recall_keep(&instrs, &kept));
    assert_int_equal(cache, kept[0]);
    assert_int_equal(XT_OK, read_jumps(&instrs, ops, again, 0));
    xt_recall_give(&instrs, kept);
    xt_recall_write(&instrs, (char *)again);
    assert_memory_equal(code, again, sizeof(code));
    assert_int_equal(XT_OK, read_jumps(&instrs, ops, code, cache));
    assert_int_equal(cache, instrs.items[1].recall);
    xt_recall_give(&instrs, NULL);
    assert_int_equal(0, instrs.items[1].recall);
    xt_free(kept);
    /* nothing is kept of a jump that has not run */
    assert_int_equal(XT_OK, read_jumps(&instrs, ops, code, 1));
    assert_int_equal(XT_OK, xt_recall_keep(&instrs, &kept));
    assert_null(kept);
    assert_int_equal(0, instrs.items[1].recall);
    assert_int_equal(XT_OK, read_jumps(&instrs, ops, code, cache));
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_recall_keep(&instrs, &kept));
    xt_mem_fail_after(-1);
    assert_null(kept);
    assert_int_equal(0, instrs.items[1].recall);
    xt_instrs_fini(&instrs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_outcomes_are_told),
        cmocka_unit_test(a_marked_cache_tells_how_many_they_are),
        cmocka_unit_test(what_was_kept_is_given_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
