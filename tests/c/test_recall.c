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

static void
nothing_is_remembered_without_a_cache(void **state)
{
    (void)state;
    const xt_opcodes *ops = xt_opcodes_for(12);
    const unsigned char code[] = {
        ops->nop,          0, ops->pop_jump_if_false,          1,
        ops->nop,          0, ops->jump_backward_no_interrupt, 4,
        ops->return_value, 0};
    static const unsigned char nowhere[] = {0x80 | 15 << 3 | 4};
    const xt_code_view view = {
        .ops = ops,
        .code = code,
        .code_len = sizeof(code),
        .locations = nowhere,
        .locations_len = sizeof(nowhere),
    };
    xt_instrs instrs = {0};
    uint16_t *kept = NULL;
    assert_int_equal(XT_OK, xt_instrs_read(&instrs, &view));
    assert_int_equal(2, instrs.jumps_len);
    assert_int_equal(XT_OK, xt_recall_keep(&instrs, &kept));
    assert_null(kept);
    unsigned char again[sizeof(code)];
    memcpy(again, code, sizeof(code));
    xt_recall_write(&instrs, (char *)again);
    assert_memory_equal(code, again, sizeof(code));
    xt_instrs_fini(&instrs);
}

static void
caches_begin_anew(void **state)
{
    (void)state;
    for (int minor = 13; minor <= 15; minor++) {
        const xt_opcodes *ops = xt_opcodes_for(minor);
        unsigned char bytes[] = {ops->pop_jump_if_true,
                                 0,
                                 17,
                                 0,
                                 ops->nop,
                                 0,
                                 ops->pop_jump_if_none,
                                 0,
                                 17,
                                 0,
                                 0,
                                 0,
                                 17,
                                 0};
        uint16_t code[sizeof(bytes) / 2];
        memcpy(code, bytes, sizeof(bytes));
        xt_recall_restart(code, sizeof(bytes) / 2, ops);
        memcpy(bytes, code, sizeof(bytes));
        assert_int_equal(0x55, bytes[2]);
        assert_int_equal(0x55, bytes[3]);
        assert_int_equal(0x55, bytes[8]);
        assert_int_equal(17, bytes[12]); /* behind what may be anything */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_outcomes_are_told),
        cmocka_unit_test(a_marked_cache_tells_how_many_they_are),
        cmocka_unit_test(what_was_kept_is_given_again),
        cmocka_unit_test(nothing_is_remembered_without_a_cache),
        cmocka_unit_test(caches_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
