// SPDX-License-Identifier: Apache-2.0
/* The depth of the stack where there are probes, of instructions that are made
   up: an opcode here is what it does to the stack, when it goes on and when it
   jumps. */
#include "depth.h"

#include <limits.h>

#include "cmocka_all.h"
#include "mem.h"

enum { NOTHING, PUSH, PUSH_3, POP, POP_2, NEXT, STRANGE, YIELD };

static int
effect_of(int op, int oparg, int jump)
{
    static const int effects[][2] = {
        [NOTHING] = {0, 0},       [PUSH] = {1, 1},    [PUSH_3] = {3, 3},
        [POP] = {-1, -1},         [POP_2] = {-2, -2}, [NEXT] = {1, -1},
        [STRANGE] = {INT_MAX, 0}, [YIELD] = {0, 0},
    };
    assert_int_equal(0, oparg);
    return effects[op][jump];
}

typedef struct {
    uint8_t op;
    uint8_t kind;
    uint32_t target;
} step;

enum { STEPS_MOST = 8 };

/* The depth for one probe in code of one unit per step. */
static int32_t
depth_of(const step *steps, size_t len, const xt_exctable_range *handler,
         xt_probe probe)
{
    xt_instr items[STEPS_MOST];
    uint32_t at_unit[STEPS_MOST];
    for (uint32_t i = 0; i < len; i++) {
        items[i] = (xt_instr){
            .op = steps[i].op,
            .kind = steps[i].kind,
            .target = steps[i].target == 0 ? XT_NONE : steps[i].target,
        };
        at_unit[i] = i;
    }
    xt_exctable_range range = {0};
    xt_opcodes ops = {.yield_value = YIELD};
    xt_instrs instrs = {
        .ops = &ops, .items = items, .len = len, .at_unit = at_unit};
    if (handler != NULL) {
        range = *handler;
        instrs.handlers = (xt_exctable){.ranges = &range, .len = 1};
    }
    xt_depth depth = {0};
    int32_t most = 0;
    assert_int_equal(XT_OK, xt_depth_of_probes(&depth, &instrs, &probe, 1,
                                               effect_of, &most));
    xt_depth_fini(&depth);
    return most;
}

static xt_probe
before(uint32_t at)
{
    return (xt_probe){.at = at, .where = XT_PROBE_FALL};
}

static void
what_was_pushed_and_not_popped_lies_below_a_probe(void **state)
{
    (void)state;
    static const step steps[] = {
        {PUSH_3, XT_KIND_PLAIN, 0}, {POP, XT_KIND_CALL, 0},
        {POP_2, XT_KIND_PLAIN, 0},  {PUSH, XT_KIND_PLAIN, 0},
        {POP, XT_KIND_RETURN, 0},
    };
    static const int32_t expected[] = {1, 4, 3, 1, 2};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(expected[i], depth_of(steps, 5, NULL, before(i)));
    }
}

static void
a_probe_on_the_way_of_a_jump_has_the_depth_of_its_end(void **state)
{
    (void)state;
    static const step steps[] = {
        {PUSH_3, XT_KIND_PLAIN, 0}, {NEXT, XT_KIND_FOR_ITER, 4},
        {POP, XT_KIND_PLAIN, 0},    {NOTHING, XT_KIND_JUMP, 1},
        {PUSH, XT_KIND_PLAIN, 0}, /* one was taken by the jump here */
        {POP, XT_KIND_RETURN, 0},
    };
    const xt_probe way = {.at = 1, .where = XT_PROBE_TRAMPOLINE};
    assert_int_equal(3, depth_of(steps, 6, NULL, way));
    assert_int_equal(4, depth_of(steps, 6, NULL, before(1)));
    assert_int_equal(5, depth_of(steps, 6, NULL, before(2)));
}

/* Code that only a jump back leads to. */
static void
jumps_back_are_followed(void **state)
{
    (void)state;
    static const step steps[] = {
        {PUSH, XT_KIND_PLAIN, 0}, {PUSH, XT_KIND_JUMP, 4},
        {PUSH, XT_KIND_PLAIN, 0}, {POP_2, XT_KIND_RETURN, 0},
        {PUSH, XT_KIND_PLAIN, 0}, {NOTHING, XT_KIND_JUMP, 2},
    };
    assert_int_equal(4, depth_of(steps, 6, NULL, before(2)));
    assert_int_equal(5, depth_of(steps, 6, NULL, before(3)));
}

static void
a_handler_begins_with_what_its_range_keeps_and_the_exception(void **state)
{
    (void)state;
    static const step steps[] = {
        {NOTHING, XT_KIND_PLAIN, 0},
        {NOTHING, XT_KIND_RETURN, 0},
        {POP, XT_KIND_PLAIN, 0},
        {NOTHING, XT_KIND_RERAISE, 0},
    };
    const xt_exctable_range plain = {.end = 2, .target = 2, .depth = 2 * 5};
    const xt_exctable_range lasti = {
        .end = 2, .target = 2, .depth = 2 * 5 + 1};
    assert_int_equal(7, depth_of(steps, 4, &plain, before(2)));
    assert_int_equal(8, depth_of(steps, 4, &lasti, before(2)));
    assert_int_equal(6, depth_of(steps, 4, &plain, before(3)));
}

/* Its target says where the loop began: nothing goes there. */
static void
the_end_of_an_asynchronous_loop_leads_nowhere_else(void **state)
{
    (void)state;
    static const step steps[] = {
        {NOTHING, XT_KIND_JUMP, 2},   {NOTHING, XT_KIND_END_SEND, 0},
        {NOTHING, XT_KIND_RETURN, 0}, {POP_2, XT_KIND_END_ASYNC_FOR, 1},
        {NOTHING, XT_KIND_RETURN, 0},
    };
    const xt_exctable_range range = {.end = 2, .target = 3, .depth = 2 * 4};
    assert_int_equal(6, depth_of(steps, 5, &range, before(3)));
    assert_int_equal(4, depth_of(steps, 5, &range, before(4)));
    assert_int_equal(INT32_MAX, depth_of(steps, 5, &range, before(1)));
}

static void
what_takes_more_than_there_is_makes_no_depth_known(void **state)
{
    (void)state;
    static const step steps[] = {
        {PUSH, XT_KIND_PLAIN, 0},
        {POP_2, XT_KIND_JUMP, 1},
    };
    assert_int_equal(INT32_MAX, depth_of(steps, 2, NULL, before(0)));
}

/* Whatever the version says of it. */
static void
a_generator_that_starts_has_been_sent_something(void **state)
{
    (void)state;
    static const step steps[] = {
        {NOTHING, XT_KIND_SUSPEND, 0}, {POP, XT_KIND_PLAIN, 0},
        {PUSH, XT_KIND_PLAIN, 0},      {YIELD, XT_KIND_SUSPEND, 0},
        {POP, XT_KIND_RETURN, 0},
    };
    static const int32_t expected[] = {1, 2, 1, 2, 2};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(expected[i], depth_of(steps, 5, NULL, before(i)));
    }
}

static void
where_nothing_leads_no_depth_is_known(void **state)
{
    (void)state;
    static const step steps[] = {
        {NOTHING, XT_KIND_RETURN, 0},
        {NOTHING, XT_KIND_RETURN, 0},
    };
    assert_int_equal(1, depth_of(steps, 2, NULL, before(0)));
    assert_int_equal(INT32_MAX, depth_of(steps, 2, NULL, before(1)));
}

static void
an_instruction_that_nobody_knows_makes_no_depth_known(void **state)
{
    (void)state;
    static const step steps[] = {
        {STRANGE, XT_KIND_PLAIN, 0},
        {NOTHING, XT_KIND_RETURN, 0},
    };
    assert_int_equal(INT32_MAX, depth_of(steps, 2, NULL, before(0)));
}

static void
no_memory_is_told(void **state)
{
    (void)state;
    xt_instr item = {.kind = XT_KIND_RETURN, .target = XT_NONE};
    const xt_opcodes ops = {.yield_value = YIELD};
    const xt_instrs instrs = {.ops = &ops, .items = &item, .len = 1};
    xt_depth depth = {0};
    int32_t most;
    xt_mem_fail_after(0);
    xt_status status =
        xt_depth_of_probes(&depth, &instrs, NULL, 0, effect_of, &most);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_NOMEM, status);
    xt_depth_fini(&depth);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_pushed_and_not_popped_lies_below_a_probe),
        cmocka_unit_test(
            a_probe_on_the_way_of_a_jump_has_the_depth_of_its_end),
        cmocka_unit_test(jumps_back_are_followed),
        cmocka_unit_test(
            a_handler_begins_with_what_its_range_keeps_and_the_exception),
        cmocka_unit_test(the_end_of_an_asynchronous_loop_leads_nowhere_else),
        cmocka_unit_test(what_takes_more_than_there_is_makes_no_depth_known),
        cmocka_unit_test(a_generator_that_starts_has_been_sent_something),
        cmocka_unit_test(where_nothing_leads_no_depth_is_known),
        cmocka_unit_test(
            an_instruction_that_nobody_knows_makes_no_depth_known),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
