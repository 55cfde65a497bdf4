// SPDX-License-Identifier: Apache-2.0
/* Instructions as the decoder reads them, beside how dis reads the same
   bytes, for the code objects of every version. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "dumps.h"
#include "mem.h"

static void
check_place(const xt_instrs *instrs, uint32_t at, const dumped_instr *expected)
{
    assert_int_equal(expected->line, instrs->items[at].line);
    const xt_location place = xt_instrs_place(instrs, at);
    assert_int_equal(expected->line >= 0, place.has_line);
    if (place.has_line) {
        assert_int_equal(expected->line, place.line);
        assert_int_equal(expected->end_line, place.end_line);
        assert_int_equal(expected->column, place.column);
        assert_int_equal(expected->end_column, place.end_column);
    }
}

static void
check_code(xt_instrs *instrs, const dumped_code *code)
{
    assert_int_equal(XT_OK, xt_instrs_read(instrs, &code->view));
    assert_int_equal(code->instrs_len, instrs->len);
    const xt_opcodes *ops = code->view.ops;
    uint32_t end = 0;
    for (uint32_t i = 0; i < instrs->len; i++) {
        const xt_instr *found = &instrs->items[i];
        const dumped_instr *expected = &code->instrs[i];
        assert_int_equal(end, found->start);
        end = found->end;
        assert_int_equal(expected->unit, found->start + found->extended);
        assert_int_equal(expected->unit + 1 + ops->traits[found->op].caches,
                         found->end);
        assert_int_equal(expected->op, found->op);
        assert_int_equal(expected->oparg, found->oparg);
        if (expected->target < 0) {
            assert_int_equal(XT_NONE, found->target);
        }
        else {
            assert_int_equal(expected->target,
                             instrs->items[found->target].start);
        }
        check_place(instrs, i, expected);
        for (uint32_t unit = found->start; unit < found->end; unit++) {
            assert_int_equal(i, instrs->at_unit[unit]);
        }
    }
    assert_int_equal(code->view.code_len / 2, end);
    assert_int_equal(end, instrs->units);
    assert_int_equal(code->handlers_len, instrs->handlers.len);
}

static void
instructions_are_those_that_dis_shows(void **state)
{
    (void)state;
    xt_instrs instrs = {0}; /* used again and again, as in the engine */
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        dump all = dumps_read(minor);
        for (size_t i = 0; i < all.len; i++) {
            check_code(&instrs, &all.codes[i]);
        }
        dumps_free(&all);
    }
    xt_instrs_fini(&instrs);
}

static void
the_dumps_have_far_jumps_and_every_kind_of_instruction(void **state)
{
    (void)state;
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        dump all = dumps_read(minor);
        const xt_opcodes *ops = xt_opcodes_for(minor);
        bool seen[XT_KIND_END_FOR_POP + 1] = {false};
        size_t far = 0;
        xt_instrs instrs = {0};
        for (size_t i = 0; i < all.len; i++) {
            assert_int_equal(XT_OK,
                             xt_instrs_read(&instrs, &all.codes[i].view));
            for (size_t j = 0; j < instrs.len; j++) {
                const xt_instr *instr = &instrs.items[j];
                seen[instr->kind] = true;
                far += instr->target != XT_NONE && instr->extended > 0;
            }
        }
        for (unsigned op = 0; op < 256; op++) {
            uint8_t kind = ops->traits[op].kind;
            bool hidden =
                kind == XT_KIND_UNKNOWN || kind == XT_KIND_EXTENDED_ARG;
            assert_true(hidden || seen[kind]);
        }
        assert_int_equal(minor == 13, seen[XT_KIND_END_FOR_POP]);
        assert_true(far > 10);
        xt_instrs_fini(&instrs);
        dumps_free(&all);
    }
}

static void
instructions_that_are_written_again_are_the_same_bytes(void **state)
{
    (void)state;
    xt_instrs instrs = {0};
    xt_buf out = {0};
    for (int minor = DUMPS_FIRST; minor <= DUMPS_LAST; minor++) {
        dump all = dumps_read(minor);
        for (size_t i = 0; i < all.len; i++) {
            const xt_code_view *view = &all.codes[i].view;
            assert_int_equal(XT_OK, xt_instrs_read(&instrs, view));
            out.len = 0;
            assert_int_equal(XT_OK, xt_buf_reserve(&out, view->code_len));
            for (size_t j = 0; j < instrs.len; j++) {
                const xt_instr *instr = &instrs.items[j];
                xt_instr_write(&out, view->ops, instr->op, instr->oparg,
                               instr->end - instr->start);
            }
            assert_int_equal(view->code_len, out.len);
            assert_memory_equal(view->code, out.bytes, out.len);
        }
        dumps_free(&all);
    }
    xt_buf_fini(&out);
    xt_instrs_fini(&instrs);
}

/* One instruction with any argument and any padding: what is read is what
   was written. */
static void
an_instruction_keeps_its_argument_however_it_is_padded(void **state)
{
    (void)state;
    static const uint32_t opargs[] = {
        0, 1, 0xff, 0x100, 0xffff, 0x10000, 0xffffff, 0x1000000, UINT32_MAX,
    };
    static const unsigned char lines[] = {0xf8 | 7, 0xf8 | 7};
    const xt_opcodes *ops = xt_opcodes_for(13);
    xt_instrs instrs = {0};
    for (size_t i = 0; i < sizeof(opargs) / sizeof(opargs[0]); i++) {
        uint32_t least = xt_instr_units(ops, ops->load_const, opargs[i]);
        for (uint32_t units = least; units <= 4; units++) {
            xt_buf out = {0};
            assert_int_equal(XT_OK, xt_buf_reserve(&out, 2 * (size_t)units));
            xt_instr_write(&out, ops, ops->load_const, opargs[i], units);
            const xt_code_view view = {
                .ops = ops,
                .code = (const unsigned char *)out.bytes,
                .code_len = out.len,
                .locations = lines,
                .locations_len = sizeof(lines),
            };
            assert_int_equal(XT_OK, xt_instrs_read(&instrs, &view));
            assert_int_equal(1, instrs.len);
            assert_int_equal(opargs[i], instrs.items[0].oparg);
            assert_int_equal(units, instrs.items[0].end);
            assert_int_equal(units - 1, instrs.items[0].extended);
            xt_buf_fini(&out);
        }
    }
    xt_instrs_fini(&instrs);
}

static xt_status
read_units(const unsigned char *code, size_t len)
{
    static const unsigned char lines[] = {0xf8 | 7, 0xf8 | 7};
    unsigned char *copy = malloc(len);
    memcpy(copy, code, len);
    const xt_code_view view = {
        .ops = xt_opcodes_for(13),
        .code = copy,
        .code_len = len,
        .locations = lines,
        .locations_len = sizeof(lines),
    };
    xt_instrs instrs = {0};
    xt_status status = xt_instrs_read(&instrs, &view);
    xt_instrs_fini(&instrs);
    free(copy);
    return status;
}

static uint8_t
jump_forward(const xt_opcodes *ops)
{
    unsigned op = 0;
    while (ops->traits[op].kind != XT_KIND_JUMP ||
           ops->traits[op].jump != XT_JUMP_AHEAD) {
        op++;
    }
    return (uint8_t)op;
}

static void
code_that_ends_too_early_is_refused(void **state)
{
    (void)state;
    const xt_opcodes *ops = xt_opcodes_for(13);
    const uint8_t ahead = jump_forward(ops);
    const uint8_t extend = ops->extended_arg;
    const unsigned char only_extended[] = {extend, 1};
    const unsigned char four_extended[] = {extend, 0, extend,   0, extend, 0,
                                           extend, 0, ops->nop, 0};
    const unsigned char no_cache[] = {ops->pop_jump_if_false, 0};
    const unsigned char over_the_end[] = {ahead, 1, ops->nop, 0};
    const unsigned char to_the_end[] = {ahead, 0};
    const unsigned char into_the_midst[] = {ahead, 1, extend, 0, ops->nop, 0};
    const unsigned char before_the_start[] = {ops->jump_backward_no_interrupt,
                                              2};
    const unsigned char fine[] = {ops->jump_backward_no_interrupt, 1};
    const unsigned char half[] = {ops->nop, 0, ops->nop};
    assert_int_equal(XT_CORRUPT, read_units(only_extended, 2));
    assert_int_equal(XT_CORRUPT, read_units(four_extended, 10));
    assert_int_equal(XT_CORRUPT, read_units(no_cache, 2));
    assert_int_equal(XT_CORRUPT, read_units(over_the_end, 4));
    assert_int_equal(XT_CORRUPT, read_units(to_the_end, 2));
    assert_int_equal(XT_CORRUPT, read_units(into_the_midst, 6));
    assert_int_equal(XT_CORRUPT, read_units(before_the_start, 2));
    assert_int_equal(XT_CORRUPT, read_units(half, 3));
    assert_int_equal(XT_OK, read_units(fine, 2));
}

static void
a_jump_back_to_what_comes_next_is_refused(void **state)
{
    (void)state;
    for (int minor = 12; minor <= 15; minor++) {
        const xt_opcodes *ops = xt_opcodes_for(minor);
        const unsigned char locations[] = {0xf8, 0xf8, 0xf8};
        unsigned char code[] = {
            ops->nop,          0, ops->jump_backward_no_interrupt, 0,
            ops->return_value, 0};
        const xt_code_view view = {
            .ops = ops,
            .code = code,
            .code_len = sizeof(code),
            .locations = locations,
            .locations_len = sizeof(locations),
        };
        xt_instrs instrs = {0};
        assert_int_equal(XT_UNSUPPORTED, xt_instrs_read(&instrs, &view));
        code[3] = 1; /* to itself */
        assert_int_equal(XT_OK, xt_instrs_read(&instrs, &view));
        assert_int_equal(1, instrs.items[1].target);
        xt_instrs_fini(&instrs);
    }
}

static void
a_handler_into_the_midst_of_an_instruction_is_refused(void **state)
{
    (void)state;
    static const unsigned char lines[] = {0xf8 | 7, 0xf8 | 7};
    const xt_opcodes *ops = xt_opcodes_for(13);
    const unsigned char code[] = {ops->extended_arg, 0, ops->nop, 0,
                                  ops->nop,          0};
    static const struct {
        unsigned char bytes[4];
        xt_status expected;
    } tables[] = {
        {{0x80, 2, 0, 0}, XT_OK},      {{0x80, 3, 2, 0}, XT_OK},
        {{0x81, 1, 0, 0}, XT_CORRUPT}, {{0x80, 1, 0, 0}, XT_CORRUPT},
        {{0x80, 2, 1, 0}, XT_CORRUPT}, {{0x80, 2, 3, 0}, XT_CORRUPT},
        {{0x80, 4, 0, 0}, XT_CORRUPT}, {{0x83, 0, 0, 0}, XT_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const xt_code_view view = {
            .ops = ops,
            .code = code,
            .code_len = sizeof(code),
            .locations = lines,
            .locations_len = sizeof(lines),
            .exceptions = tables[i].bytes,
            .exceptions_len = 4,
        };
        xt_instrs instrs = {0};
        assert_int_equal(tables[i].expected, xt_instrs_read(&instrs, &view));
        xt_instrs_fini(&instrs);
    }
}

static void
a_failed_allocation_is_said_and_the_list_is_still_good(void **state)
{
    (void)state;
    dump all = dumps_read(14);
    const dumped_code *code = &all.codes[all.len / 2];
    xt_instrs instrs = {0};
    xt_status status = XT_NOMEM;
    long allowed = 0;
    for (; status == XT_NOMEM; allowed++) {
        xt_instrs fresh = {0};
        xt_mem_fail_after(allowed);
        status = xt_instrs_read(&fresh, &code->view);
        xt_mem_fail_after(-1);
        /* Reading again into what failed, as the engine does. */
        check_code(&fresh, code);
        xt_instrs_fini(&fresh);
    }
    assert_int_equal(XT_OK, status);
    assert_true(allowed > 3);
    xt_instrs_fini(&instrs);
    dumps_free(&all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_those_that_dis_shows),
        cmocka_unit_test(
            the_dumps_have_far_jumps_and_every_kind_of_instruction),
        cmocka_unit_test(
            instructions_that_are_written_again_are_the_same_bytes),
        cmocka_unit_test(
            an_instruction_keeps_its_argument_however_it_is_padded),
        cmocka_unit_test(code_that_ends_too_early_is_refused),
        cmocka_unit_test(a_jump_back_to_what_comes_next_is_refused),
        cmocka_unit_test(
            a_handler_into_the_midst_of_an_instruction_is_refused),
        cmocka_unit_test(
            a_failed_allocation_is_said_and_the_list_is_still_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
