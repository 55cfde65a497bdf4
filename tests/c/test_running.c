// SPDX-License-Identifier: Apache-2.0
/* Code that runs, made what the compiler wrote; test_route.c has it beside
   the code of every version. */
#include <string.h>

#include "cmocka_all.h"

#include "mem.h"
#include "running.h"

/* Any opcode with inline caches. */
static uint8_t
cached_opcode(const xt_opcodes *ops)
{
    for (unsigned op = 0; op < 256; op++) {
        if (ops->traits[op].caches > 1) {
            return (uint8_t)op;
        }
    }
    fail();
    return 0;
}

static void
what_caches_hold_is_dropped(void **state)
{
    (void)state;
    for (int minor = 12; minor <= 15; minor++) {
        const xt_opcodes *ops = xt_opcodes_for(minor);
        unsigned char code[64];
        memset(code, 7, sizeof(code));
        code[0] = ops->nop;
        code[2] = cached_opcode(ops);
        size_t len = 4 + 2 * (size_t)ops->traits[code[2]].caches;
        code[len] = ops->return_value;
        xt_buf out = {0};
        assert_int_equal(XT_OK, xt_running_read(&out, ops, code, len + 2));
        assert_int_equal(len + 2, out.len);
        assert_memory_equal(code, out.bytes, 4);
        for (size_t i = 4; i < len; i++) {
            assert_int_equal(0, out.bytes[i]);
        }
        assert_memory_equal(code + len, out.bytes + len, 2);
        assert_int_equal(XT_CORRUPT,
                         xt_running_read(&out, ops, code, len - 2));
        assert_int_equal(XT_CORRUPT, xt_running_read(&out, ops, code, 3));
        xt_buf_fini(&out);
    }
}

static void
what_conditional_jumps_remember_is_not(void **state)
{
    (void)state;
    for (int minor = 13; minor <= 15; minor++) {
        const xt_opcodes *ops = xt_opcodes_for(minor);
        const unsigned char code[] = {
            ops->pop_jump_if_true, 1, 0x5a, 0xa5, ops->return_value, 0,
        };
        xt_buf out = {0};
        assert_int_equal(XT_OK,
                         xt_running_read(&out, ops, code, sizeof(code)));
        assert_int_equal(sizeof(code), out.len);
        assert_memory_equal(code, out.bytes, sizeof(code));
        xt_buf_fini(&out);
    }
}

static void
an_opcode_that_may_stand_for_any_is_not_read(void **state)
{
    (void)state;
    /* INSTRUMENTED_LINE (Include/opcode_ids.h of each version) */
    const uint8_t lines[] = {254, 254, 254, 253};
    for (int minor = 12; minor <= 15; minor++) {
        const xt_opcodes *ops = xt_opcodes_for(minor);
        const unsigned char code[] = {lines[minor - 12], 0};
        xt_buf out = {0};
        assert_int_equal(XT_UNSUPPORTED,
                         xt_running_read(&out, ops, code, sizeof(code)));
        xt_buf_fini(&out);
    }
}

static void
out_of_memory_is_said(void **state)
{
    (void)state;
    const xt_opcodes *ops = xt_opcodes_for(13);
    const unsigned char code[] = {ops->nop, 0};
    xt_buf out = {0};
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_running_read(&out, ops, code, sizeof(code)));
    xt_mem_fail_after(-1);
    assert_int_equal(XT_OK, xt_running_read(&out, ops, code, sizeof(code)));
    xt_buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_caches_hold_is_dropped),
        cmocka_unit_test(what_conditional_jumps_remember_is_not),
        cmocka_unit_test(an_opcode_that_may_stand_for_any_is_not_read),
        cmocka_unit_test(out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
