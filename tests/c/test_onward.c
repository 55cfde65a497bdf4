// SPDX-License-Identifier: Apache-2.0
/* Code whose frame goes onward, of every version: its line events are those of
   its graph, which knows nothing of this. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cmocka_all.h"
#include "mem.h"
#include "random_code.h"
#include "onward.h"
#include "running.h"

static size_t straight_ones;
static size_t turns;

static const xt_edge *
edge_to(const xt_graph *graph, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->from == from && edge->to == to &&
            edge->kind != XT_EDGE_RERAISE) {
            return edge;
        }
    }
    return NULL;
}

/* What the graph says of the way up to the next branch, and the instruction
   where that is; or how many there are, if the frame is left before. */
static uint32_t
follow(const analysis *of, uint32_t at, xt_onward_steps *steps)
{
    steps->len = 0;
    for (;;) {
        const xt_instr *instr = &of->instrs.items[at];
        if (instr->kind == XT_KIND_BRANCH) {
            return at;
        }
        if (instr->kind == XT_KIND_RETURN || instr->kind == XT_KIND_RAISE) {
            return (uint32_t)of->instrs.len;
        }
        uint32_t next = instr->kind == XT_KIND_JUMP ? instr->target : at + 1;
        const xt_edge *edge = edge_to(&of->graph, at, next);
        if (edge != NULL && edge->line >= 0) {
            steps->items[steps->len++] =
                (xt_onward_step){of->instrs.items[next].start, edge->line};
        }
        at = next;
    }
}

static void
check_same(const xt_onward_steps *expected, const xt_onward_steps *found)
{
    assert_int_equal(expected->len, found->len);
    for (size_t i = 0; i < found->len; i++) {
        assert_int_equal(expected->items[i].line, found->items[i].line);
        assert_int_equal(expected->items[i].unit, found->items[i].unit);
    }
}

/* Puts a step in front of all that follow, for the step off a branch. */
static void
put_first(xt_onward_steps *steps, xt_onward_step step)
{
    memmove(steps->items + 1, steps->items, steps->len * sizeof(step));
    steps->items[0] = step;
    steps->len++;
}

/* Whether frames go onward only, and events tell which way. */
static bool
is_fit(const analysis *of, const xt_code_view *view, bool branches)
{
    bool resumed = false;
    bool fit = of->instrs.handlers.len == 0;
    for (uint32_t i = 0; i < of->instrs.len && fit; i++) {
        const xt_instr *instr = &of->instrs.items[i];
        const xt_instr *next =
            i + 1 < of->instrs.len ? &of->instrs.items[i + 1] : NULL;
        switch ((xt_opcode_kind)instr->kind) {
        case XT_KIND_PLAIN:
        case XT_KIND_CALL:
        case XT_KIND_NOT_TAKEN:
        case XT_KIND_RAISE:
        case XT_KIND_RETURN:
            break;
        case XT_KIND_RESUME:
            fit = !resumed && i == of->graph.first_traceable;
            resumed = true;
            break;
        case XT_KIND_BRANCH:
            fit = branches && instr->target > i + 1 && instr->oparg > 1 &&
                  view->ops->minor > 12 &&
                  (view->ops->minor == 13 || next->kind == XT_KIND_NOT_TAKEN);
            break;
        case XT_KIND_JUMP:
            fit = branches && instr->target > i && view->ops->minor > 12;
            break;
        default:
            fit = false;
        }
        straight_ones += fit && next == NULL && !branches;
    }
    return fit;
}

static void
check_steps(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    xt_onward_steps found = {0};
    xt_onward_steps expected = {
        .items = calloc(of->instrs.len + 1, sizeof(xt_onward_step))};
    assert_non_null(expected.items);
    for (int branches = 0; branches < 2; branches++) {
        xt_onward way;
        xt_status status = xt_onward_start(&way, &found, view, branches != 0);
        /* What is behind a jump that nothing reaches is not looked at. */
        if (is_fit(of, view, branches != 0)) {
            assert_int_equal(XT_OK, status);
        }
        if (status != XT_OK) {
            assert_int_equal(XT_UNSUPPORTED, status);
            continue;
        }
        uint32_t at = follow(of, 0, &expected);
        check_same(&expected, &found);
        while (at < of->instrs.len) {
            const xt_instr *branch = &of->instrs.items[at];
            seed = seed * 1103515245U + 12345U;
            bool taken = (seed >> 16 & 1) != 0;
            uint32_t next = taken ? branch->target : at + 1;
            uint32_t told = of->instrs.items[next].start;
            if (!taken && view->ops->minor >= 14) {
                told = of->instrs.items[next].end; /* behind NOT_TAKEN */
            }
            assert_false(xt_onward_turn(&way, branch->start));
            assert_true(xt_onward_turn(&way, told));
            assert_int_equal(XT_OK, xt_onward_read(&way, &found));
            const xt_edge *edge = edge_to(&of->graph, at, next);
            at = follow(of, next, &expected);
            if (edge->line >= 0) {
                put_first(&expected,
                          (xt_onward_step){of->instrs.items[next].start,
                                           edge->line});
            }
            check_same(&expected, &found);
            turns++;
        }
        assert_false(xt_onward_turn(&way, 0));
    }
    free(expected.items);
    xt_onward_fini(&found);
}

/* An opcode that stands in the place of another one, or 0. */
static uint8_t
stand_in_for(const xt_opcodes *ops, uint8_t op)
{
    for (unsigned other = 0; other < 256; other++) {
        if (other != op && ops->base[other] == op) {
            return (uint8_t)other;
        }
    }
    return 0;
}

static size_t stand_ins;

/* The same code, as it stands while it runs, has the same line events. */
static void
check_stand_ins(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    xt_onward way;
    xt_onward_steps plain = {0};
    xt_onward_steps running = {0};
    unsigned char *code = malloc(view->code_len);
    assert_non_null(code);
    memcpy(code, view->code, view->code_len);
    for (size_t i = 0; i < of->instrs.len; i++) {
        const xt_instr *instr = &of->instrs.items[i];
        uint8_t other = stand_in_for(view->ops, instr->op);
        if (other != 0) {
            code[2 * (instr->start + instr->extended)] = other;
            stand_ins++;
        }
    }
    xt_code_view now = *view;
    now.code = code;
    xt_status status = xt_onward_start(&way, &plain, view, true);
    assert_int_equal(status, xt_onward_start(&way, &running, &now, true));
    if (status == XT_OK) {
        check_same(&plain, &running);
    }
    xt_buf bytecode = {0};
    assert_int_equal(
        XT_OK, xt_running_read(&bytecode, view->ops, code, view->code_len));
    assert_int_equal(view->code_len, bytecode.len);
    assert_memory_equal(view->code, bytecode.bytes, bytecode.len);
    xt_buf_fini(&bytecode);
    free(code);
    xt_onward_fini(&plain);
    xt_onward_fini(&running);
}

static void
running_code_is_read_like_any_other(void **state)
{
    (void)state;
    stand_ins = 0;
    assert_true(analysis_each(check_stand_ins) > 1200);
    assert_true(stand_ins > 10000);
}

static void
code_has_the_line_events_of_the_way_through_its_graph(void **state)
{
    (void)state;
    straight_ones = 0;
    turns = 0;
    assert_true(analysis_each(check_steps) > 1200);
    assert_true(straight_ones > 100);
    assert_true(turns > 100);
}

/* RESUME and NOPs on some lines, and a return. */
static random_code
make_straight(int minor)
{
    const xt_opcodes *ops = xt_opcodes_for(minor);
    random_code made = {0};
    xt_location_writer lines = {.line = 1};
    assert_int_equal(XT_OK, xt_buf_reserve(&made.code, 64));
    for (int i = 0; i < 20; i++) {
        uint8_t op = i == 19 ? ops->return_value : ops->nop;
        for (unsigned other = 0; i == 0 && other < 256; other++) {
            if (ops->traits[other].kind == XT_KIND_RESUME) {
                op = (uint8_t)other;
            }
        }
        uint32_t units = xt_instr_units(ops, op, 0);
        xt_instr_write(&made.code, ops, op, 0, units);
        const xt_location place = {
            .has_line = true, .line = 1 + i / 2, .end_line = 1 + i / 2};
        assert_int_equal(XT_OK, xt_location_write(&lines, &place, units));
    }
    made.locations = lines;
    made.view = (xt_code_view){
        .ops = ops,
        .code = (const unsigned char *)made.code.bytes,
        .code_len = made.code.len,
        .locations = (const unsigned char *)made.locations.table.bytes,
        .locations_len = made.locations.table.len,
        .first_line = 1,
    };
    return made;
}

static void
damaged_code_is_refused(void **state)
{
    (void)state;
    random_code made = make_straight(14);
    xt_code_view view = made.view;
    xt_onward way;
    xt_onward_steps straight = {0};
    assert_int_equal(XT_OK, xt_onward_start(&way, &straight, &view, true));
    assert_int_equal(10, straight.len);
    view.code_len -= 2; /* control runs over the end */
    assert_int_equal(XT_UNSUPPORTED,
                     xt_onward_start(&way, &straight, &view, true));
    view.code_len = 0;
    assert_int_equal(XT_UNSUPPORTED,
                     xt_onward_start(&way, &straight, &view, true));
    view = made.view;
    view.locations_len = 1;
    assert_int_equal(XT_CORRUPT,
                     xt_onward_start(&way, &straight, &view, true));
    view = made.view;
    view.exceptions = view.code;
    view.exceptions_len = 4;
    assert_int_equal(XT_UNSUPPORTED,
                     xt_onward_start(&way, &straight, &view, true));
    made.code.bytes[made.code.len - 2] = (char)view.ops->extended_arg;
    view = made.view;
    assert_int_equal(XT_CORRUPT,
                     xt_onward_start(&way, &straight, &view, true));
    xt_onward_fini(&straight);
    random_code_free(&made);
}

static void
out_of_memory_is_said_and_nothing_leaks(void **state)
{
    (void)state;
    random_code made = make_straight(13);
    xt_status status = XT_NOMEM;
    for (long allowed = 0; status == XT_NOMEM; allowed++) {
        xt_onward way;
        xt_onward_steps straight = {0};
        xt_mem_fail_after(allowed);
        status = xt_onward_start(&way, &straight, &made.view, true);
        xt_mem_fail_after(-1);
        xt_onward_fini(&straight);
        assert_true(allowed < 100);
    }
    assert_int_equal(XT_OK, status);
    random_code_free(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            code_has_the_line_events_of_the_way_through_its_graph),
        cmocka_unit_test(running_code_is_read_like_any_other),
        cmocka_unit_test(damaged_code_is_refused),
        cmocka_unit_test(out_of_memory_is_said_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
