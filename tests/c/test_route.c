// SPDX-License-Identifier: Apache-2.0
/* Routes of frames, through code of every version: their line events are those
   of its graph, which knows nothing of this. */
#include <stdlib.h>
#include <string.h>

#include "analysis.h"
#include "cmocka_all.h"
#include "mem.h"
#include "random_code.h"
#include "route.h"
#include "running.h"
#include "straight.h"
#include "ways.h"

static size_t straight_ones;
static size_t turns;
static size_t handled;

enum { FIRST_THAT_FORKS = 13 }; /* minor version */

static void
add_step(const analysis *of, xt_route_steps *steps, uint32_t from, uint32_t to)
{
    int32_t line = ways_line(of, from, to);
    if (line >= 0) {
        steps->items[steps->len++] =
            (xt_route_step){of->instrs.items[to].start, line};
    }
}

/* What the graph says of the way from an instruction to the next fork, and the
   instruction where that is; or how many there are, if the frame is left. */
static uint32_t
follow(const analysis *of, uint32_t at, xt_route_steps *steps)
{
    for (;;) {
        const xt_instr *instr = &of->instrs.items[at];
        switch ((xt_opcode_kind)instr->kind) {
        case XT_KIND_BRANCH:
        case XT_KIND_FOR_ITER:
            return at;
        case XT_KIND_RETURN:
        case XT_KIND_RAISE:
        case XT_KIND_RERAISE:
            return (uint32_t)of->instrs.len;
        default:
            break;
        }
        bool jumps =
            instr->kind == XT_KIND_JUMP || instr->kind == XT_KIND_SILENT_JUMP;
        uint32_t next = jumps ? instr->target : at + 1;
        add_step(of, steps, at, next);
        at = next;
    }
}

static void
check_same(const xt_route_steps *expected, const xt_route_steps *found)
{
    assert_int_equal(expected->len, found->len);
    for (size_t i = 0; i < found->len; i++) {
        assert_int_equal(expected->items[i].line, found->items[i].line);
        assert_int_equal(expected->items[i].unit, found->items[i].unit);
    }
}

/* What an event tells of where a frame goes from a branch. */
static uint32_t
told(const analysis *of, const xt_code_view *view, uint32_t at, bool taken)
{
    const xt_instr *items = of->instrs.items;
    if (taken && items[at].kind == XT_KIND_FOR_ITER) {
        return items[items[at].target].start + 2; /* behind two that end it */
    }
    uint32_t next = taken ? items[at].target : at + 1;
    bool behind = !taken && view->ops->minor >= 14 &&
                  items[next].kind == XT_KIND_NOT_TAKEN;
    return behind ? items[next].end : items[next].start;
}

/* An instruction somewhere on the way, whose exceptions are handled; or
   XT_NONE. */
static uint32_t
find_raise(const analysis *of, const xt_route *route, uint32_t *handler)
{
    const xt_segment *last = &route->segments[route->last];
    uint32_t at = of->instrs.at_unit[last->unit];
    *handler = xt_instrs_find_handler(&of->instrs, at);
    return *handler == XT_NONE ? XT_NONE : at;
}

/* Goes a random way through the code. */
static void
check_route(const analysis *of, const xt_code_view *view,
            const xt_segments *segments, uint32_t seed)
{
    enum { STEPS_MOST = 40 };
    xt_route_steps found = {0};
    xt_route_steps expected = {
        .items = calloc(of->instrs.len + 1, sizeof(xt_route_step))};
    assert_non_null(expected.items);
    xt_route route = xt_route_begin(segments);
    uint32_t at = follow(of, of->graph.first_traceable, &expected);
    for (int step = 0;; step++) {
        assert_true(xt_route_events(&route, &found));
        check_same(&expected, &found);
        assert_int_equal(at < of->instrs.len, xt_route_forks(&route));
        assert_int_equal(found.len, xt_route_done(&route, UINT32_MAX));
        expected.len = 0;
        uint32_t handler;
        uint32_t from = find_raise(of, &route, &handler);
        if (step == STEPS_MOST) {
            break;
        }
        if (from != XT_NONE && ways_random(&seed) % 4 == 0) {
            const xt_instr *items = of->instrs.items;
            assert_int_equal(found.len,
                             xt_route_done(&route, items[from].start));
            assert_true(xt_route_handle(&route, items[from].start,
                                        items[handler].start));
            if (ways_fires(of, from, handler)) {
                expected.items[expected.len++] =
                    (xt_route_step){items[handler].start, items[handler].line};
            }
            at = follow(of, handler, &expected);
            handled++;
            continue;
        }
        if (at == of->instrs.len) {
            assert_false(xt_route_turn(&route, 0, 0));
            break;
        }
        bool taken = ways_random(&seed) % 2 != 0;
        uint32_t next = taken ? of->instrs.items[at].target : at + 1;
        uint32_t start = of->instrs.items[at].start;
        assert_false(xt_route_turn(&route, start, start));
        assert_true(xt_route_turn(&route, start, told(of, view, at, taken)));
        bool turned = !taken;
        if (xt_route_has_turned(&route, &turned)) {
            assert_int_equal(taken, turned);
        }
        add_step(of, &expected, at, next);
        at = follow(of, next, &expected);
        turns++;
    }
    free(expected.items);
    xt_route_steps_fini(&found);
}

static void
check_straight(const xt_code_view *view, uint32_t start,
               const xt_segments *segments)
{
    xt_route_steps steps = {0};
    xt_route route = xt_route_begin(segments);
    assert_true(xt_route_events(&route, &steps));
    for (size_t from = 0; from <= steps.len; from++) {
        for (size_t to = from; to <= steps.len; to++) {
            xt_straight way = xt_straight_begin(
                view->locations, view->locations_len, view->first_line, start);
            way.from = from == 0 ? start : steps.items[from - 1].unit + 1;
            way.to = to == steps.len ? XT_NONE : steps.items[to].unit;
            for (size_t i = from; i < to; i++) {
                assert_true(xt_straight_next(&way));
                assert_int_equal(steps.items[i].line, way.line);
                assert_int_equal(steps.items[i].unit, way.unit);
            }
            assert_false(xt_straight_next(&way));
            assert_false(xt_straight_next(&way));
        }
    }
    xt_route_steps_fini(&steps);
    straight_ones++;
}

static void
check_code(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    xt_segments segments = {0};
    uint32_t start;
    bool straight = xt_straight_is(view, &start);
    xt_status status = xt_segments_read(&segments, view, XT_TOLD_BY_EVENTS);
    if (view->ops->minor < FIRST_THAT_FORKS) {
        assert_int_equal(XT_UNSUPPORTED, status);
    }
    else if (straight) {
        assert_int_equal(XT_OK, status);
        check_straight(view, start, &segments);
    }
    else if (status == XT_OK) {
        for (uint32_t i = 0; i < 8; i++) {
            check_route(of, view, &segments, seed + i);
        }
    }
    else {
        assert_int_equal(XT_UNSUPPORTED, status);
    }
    xt_segments_fini(&segments);
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

/* The same code is read the same way as it stands while it runs. */
static void
check_stand_ins(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    xt_segments plain = {0};
    xt_segments running = {0};
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
    uint32_t start = 0;
    uint32_t running_start = 0;
    assert_int_equal(xt_straight_is(view, &start),
                     xt_straight_is(&now, &running_start));
    assert_int_equal(start, running_start);
    xt_status status = xt_segments_read(&plain, view, XT_TOLD_BY_EVENTS);
    assert_int_equal(status,
                     xt_segments_read(&running, &now, XT_TOLD_BY_EVENTS));
    if (status == XT_OK) {
        assert_int_equal(plain.len, running.len);
        assert_memory_equal(plain.items, running.items,
                            plain.len * sizeof(*plain.items));
    }
    xt_buf bytecode = {0};
    assert_int_equal(
        XT_OK, xt_running_read(&bytecode, view->ops, code, view->code_len));
    assert_int_equal(view->code_len, bytecode.len);
    assert_memory_equal(view->code, bytecode.bytes, bytecode.len);
    xt_buf_fini(&bytecode);
    free(code);
    xt_segments_fini(&plain);
    xt_segments_fini(&running);
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
frames_have_the_line_events_of_their_way_through_the_graph(void **state)
{
    (void)state;
    straight_ones = 0;
    turns = 0;
    handled = 0;
    assert_true(analysis_each(check_code) > 1200);
    assert_true(straight_ones > 100);
    assert_true(turns > 1000);
    assert_true(handled > 100);
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
    xt_segments segments = {0};
    uint32_t start;
    assert_int_equal(XT_OK,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    assert_int_equal(11, segments.len); /* ten lines, and RESUME */
    assert_true(xt_straight_is(&view, &start));
    view.code_len -= 2; /* control runs over the end */
    assert_int_equal(XT_UNSUPPORTED,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    assert_false(xt_straight_is(&view, &start));
    view.code_len = 0;
    assert_int_equal(XT_UNSUPPORTED,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    assert_false(xt_straight_is(&view, &start));
    view = made.view;
    view.locations_len = 1;
    assert_int_equal(XT_CORRUPT,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    view = made.view;
    view.exceptions = view.code; /* no table */
    view.exceptions_len = 4;
    assert_int_equal(XT_CORRUPT,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    assert_false(xt_straight_is(&view, &start));
    made.code.bytes[made.code.len - 2] = (char)view.ops->extended_arg;
    view = made.view;
    assert_int_equal(XT_CORRUPT,
                     xt_segments_read(&segments, &view, XT_TOLD_BY_EVENTS));
    assert_false(xt_straight_is(&view, &start));
    xt_segments_fini(&segments);
    random_code_free(&made);
}

/* A jump back to itself: no event tells of that. */
static void
what_goes_round_without_an_event_is_refused(void **state)
{
    (void)state;
    for (int minor = FIRST_THAT_FORKS; minor <= 15; minor++) {
        random_code made = make_straight(minor);
        const xt_opcodes *ops = made.view.ops;
        uint32_t units =
            xt_instr_units(ops, ops->jump_backward_no_interrupt, 3);
        made.code.len -= 2;
        xt_instr_write(&made.code, ops, ops->jump_backward_no_interrupt, 3,
                       units);
        made.view.code_len = made.code.len;
        xt_segments segments = {0};
        assert_int_equal(
            XT_UNSUPPORTED,
            xt_segments_read(&segments, &made.view, XT_TOLD_BY_EVENTS));
        xt_segments_fini(&segments);
        random_code_free(&made);
    }
}

static void
out_of_memory_is_said_and_nothing_leaks(void **state)
{
    (void)state;
    random_code made = make_straight(13);
    xt_status status = XT_NOMEM;
    for (long allowed = 0; status == XT_NOMEM; allowed++) {
        xt_segments segments = {0};
        xt_route_steps steps = {0};
        xt_mem_fail_after(allowed);
        status = xt_segments_read(&segments, &made.view, XT_TOLD_BY_EVENTS);
        if (status == XT_OK) {
            const xt_route route = xt_route_begin(&segments);
            status = xt_route_events(&route, &steps) ? XT_OK : XT_NOMEM;
        }
        xt_mem_fail_after(-1);
        xt_route_steps_fini(&steps);
        xt_segments_fini(&segments);
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
            frames_have_the_line_events_of_their_way_through_the_graph),
        cmocka_unit_test(running_code_is_read_like_any_other),
        cmocka_unit_test(damaged_code_is_refused),
        cmocka_unit_test(what_goes_round_without_an_event_is_refused),
        cmocka_unit_test(out_of_memory_is_said_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
