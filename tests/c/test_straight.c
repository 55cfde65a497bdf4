// SPDX-License-Identifier: Apache-2.0
/* Code that runs straight, of every version: its line events are those of its
   graph, which knows nothing of this. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cmocka_all.h"
#include "mem.h"
#include "random_code.h"
#include "straight.h"

static size_t straight_ones;

/* Whether there is but one way through the instructions. */
static bool
is_straight(const analysis *of)
{
    for (uint32_t i = 0; i < of->instrs.len; i++) {
        uint8_t kind = of->instrs.items[i].kind;
        bool plain =
            kind == XT_KIND_PLAIN || kind == XT_KIND_CALL ||
            (kind == XT_KIND_RESUME && i == of->graph.first_traceable);
        bool last = i + 1 == of->instrs.len &&
                    (kind == XT_KIND_RETURN || kind == XT_KIND_RAISE);
        if (!plain && !last) {
            return false;
        }
    }
    return of->instrs.handlers.len == 0;
}

/* The line event of the step from an instruction to the next one, or -1. */
static int32_t
line_of_step(const xt_graph *graph, uint32_t from)
{
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->from == from && edge->to == from + 1) {
            return edge->line;
        }
    }
    return -1;
}

static void
check_steps(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    xt_straight straight = {0};
    xt_status status = xt_straight_read(&straight, view);
    assert_int_equal(is_straight(of) ? XT_OK : XT_UNSUPPORTED, status);
    if (status == XT_OK) {
        straight_ones++;
        size_t next = 0;
        for (uint32_t i = 0; i + 1 < of->instrs.len; i++) {
            int32_t line = line_of_step(&of->graph, i);
            if (line >= 0) {
                assert_true(next < straight.len);
                assert_int_equal(line, straight.steps[next].line);
                assert_int_equal(of->instrs.items[i + 1].start,
                                 straight.steps[next].unit);
                next++;
            }
        }
        assert_int_equal(straight.len, next);
    }
    xt_straight_fini(&straight);
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
    xt_straight plain = {0};
    xt_straight running = {0};
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
    xt_status status = xt_straight_read(&plain, view);
    assert_int_equal(status, xt_straight_read(&running, &now));
    if (status == XT_OK) {
        assert_int_equal(plain.len, running.len);
        for (size_t i = 0; i < plain.len; i++) {
            assert_int_equal(plain.steps[i].line, running.steps[i].line);
            assert_int_equal(plain.steps[i].unit, running.steps[i].unit);
        }
    }
    free(code);
    xt_straight_fini(&plain);
    xt_straight_fini(&running);
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
straight_code_has_the_line_events_of_its_graph(void **state)
{
    (void)state;
    straight_ones = 0;
    assert_true(analysis_each(check_steps) > 1200);
    assert_true(straight_ones > 100);
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
    xt_straight straight = {0};
    assert_int_equal(XT_OK, xt_straight_read(&straight, &view));
    assert_int_equal(10, straight.len);
    view.code_len -= 2; /* control runs over the end */
    assert_int_equal(XT_UNSUPPORTED, xt_straight_read(&straight, &view));
    view.code_len = 0;
    assert_int_equal(XT_UNSUPPORTED, xt_straight_read(&straight, &view));
    view = made.view;
    view.locations_len = 1;
    assert_int_equal(XT_CORRUPT, xt_straight_read(&straight, &view));
    view = made.view;
    view.exceptions = view.code;
    view.exceptions_len = 4;
    assert_int_equal(XT_UNSUPPORTED, xt_straight_read(&straight, &view));
    made.code.bytes[made.code.len - 2] = (char)view.ops->extended_arg;
    view = made.view;
    assert_int_equal(XT_CORRUPT, xt_straight_read(&straight, &view));
    xt_straight_fini(&straight);
    random_code_free(&made);
}

static void
out_of_memory_is_said_and_nothing_leaks(void **state)
{
    (void)state;
    random_code made = make_straight(13);
    xt_status status = XT_NOMEM;
    for (long allowed = 0; status == XT_NOMEM; allowed++) {
        xt_straight straight = {0};
        xt_mem_fail_after(allowed);
        status = xt_straight_read(&straight, &made.view);
        xt_mem_fail_after(-1);
        xt_straight_fini(&straight);
        assert_true(allowed < 100);
    }
    assert_int_equal(XT_OK, status);
    random_code_free(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(straight_code_has_the_line_events_of_its_graph),
        cmocka_unit_test(running_code_is_read_like_any_other),
        cmocka_unit_test(damaged_code_is_refused),
        cmocka_unit_test(out_of_memory_is_said_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
