// SPDX-License-Identifier: Apache-2.0
/* Rewritten code beside the original: the same control flow, the same
   handlers, the same places in the source, and probes where they may be. */
#include "cmocka_all.h"

#include <stdlib.h>

#include "mem.h"
#include "random_code.h"
#include "solve.h"
#include "walk.h"

/* --- What runs -------------------------------------------------------- */

/* What is asked of counts. */
typedef struct {
    int64_t *lines;  /* owned: per line */
    int64_t *fell;   /* owned: per instruction of the original; only where that
                        is asked for by itself */
    int64_t *jumped; /* owned: the same */
    size_t lines_len;
    size_t len;
} asked;

static asked
asked_new(const analysis *of)
{
    asked all = {.len = of->instrs.read_len + 1};
    for (size_t i = 0; i < of->instrs.read_len; i++) {
        size_t line = (size_t)of->instrs.items[i].line + 1;
        all.lines_len = line > all.lines_len ? line : all.lines_len;
    }
    all.lines = calloc(all.lines_len + 1, sizeof(*all.lines));
    all.fell = calloc(all.len, sizeof(*all.fell));
    all.jumped = calloc(all.len, sizeof(*all.jumped));
    return all;
}

static void
asked_add(asked *all, int32_t line, const uint32_t *wanted, bool taken,
          int64_t count)
{
    if (line >= 0) {
        all->lines[line] += count;
    }
    if (wanted != NULL) {
        (taken ? all->jumped : all->fell)[*wanted] += count;
    }
}

static void
asked_free(asked *all)
{
    free(all->lines);
    free(all->fell);
    free(all->jumped);
}

/* As the steps of the original say, and its graph what they fire. */
static asked
expect(const analysis *of, const xt_code_view *view, const walk_counts *counts)
{
    asked all = asked_new(of);
    xt_instrs instrs = {0};
    xt_graph graph = {0};
    assert_int_equal(XT_OK, xt_instrs_read(&instrs, view));
    assert_int_equal(XT_OK,
                     xt_graph_build(&graph, &instrs, view, of->branches));
    for (size_t i = 0; i < graph.len; i++) {
        const xt_edge *edge = &graph.edges[i];
        asked_add(&all, edge->line, edge->wanted ? &edge->from : NULL,
                  edge->kind == XT_EDGE_TAKEN,
                  (int64_t)walk_count_of(counts, edge));
    }
    xt_instrs_fini(&instrs);
    xt_graph_fini(&graph);
    return all;
}

/* Each class as the steps of the original say. */
static void
expect_classes(const analysis *of, const walk_counts *counts,
               const int64_t *solved)
{
    size_t classes = of->plan.classes_len;
    int64_t *expected = calloc(classes + 1, sizeof(*expected));
    for (size_t i = 0; i < of->graph.len; i++) {
        uint32_t class = of->planner.class_of[i];
        if (class != XT_NONE) {
            expected[class] +=
                (int64_t)walk_count_of(counts, &of->graph.edges[i]);
        }
    }
    for (size_t i = 0; i < classes; i++) {
        assert_int_equal(expected[i], solved[i]);
    }
    free(expected);
}

static void
check_walks(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    enum { WALKS = 40 };
    walk_counts counts = walk_counts_new(of);
    for (int i = 0; i < WALKS; i++) {
        walk_once(of, view, &counts, &seed);
    }
    size_t classes = of->plan.classes_len;
    int64_t *solved = calloc(classes + 1, sizeof(*solved));
    int64_t *balance = calloc(of->plan.nodes, sizeof(*balance));
    const xt_breaks breaks = {counts.left, counts.handled};
    assert_true(xt_solve(&of->plan, (uint32_t)of->instrs.len, counts.slots,
                         &breaks, balance, solved));
    asked expected = expect(of, view, &counts);
    asked found = asked_new(of);
    for (size_t i = 0; i < classes; i++) {
        const xt_plan_class *class = &of->plan.classes[i];
        asked_add(&found, class->line, class->wanted ? &class->origin : NULL,
                  class->taken, solved[i]);
    }
    assert_memory_equal(expected.lines, found.lines,
                        expected.lines_len * sizeof(*expected.lines));
    assert_memory_equal(expected.fell, found.fell,
                        expected.len * sizeof(*expected.fell));
    assert_memory_equal(expected.jumped, found.jumped,
                        expected.len * sizeof(*expected.jumped));
    if (of->unroll == XT_UNROLL_NONE) {
        expect_classes(of, &counts, solved);
    }
    asked_free(&expected);
    asked_free(&found);
    free(solved);
    free(balance);
    walk_counts_free(&counts);
}

static void
new_code_does_what_the_old_did_and_its_probes_tell_every_count(void **state)
{
    (void)state;
    assert_true(analysis_each(check_walks) > 1200);
    assert_true(analysis_each_unrolled(check_walks) > 100);
}

/* The nodes of a plan, found anew, with too little memory at first. */
static void
check_nodes(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)view;
    (void)seed;
    xt_planner planner = {0};
    xt_plan plan = {0};
    xt_status status = XT_NOMEM;
    for (long successes = 0; status == XT_NOMEM; successes++) {
        assert_null(plan.node_of);
        xt_mem_fail_after(successes);
        status = xt_plan_find_nodes(&plan, &planner, &of->graph, &of->instrs);
        xt_mem_fail_after(-1);
    }
    assert_int_equal(XT_OK, status);
    assert_int_equal(of->plan.nodes, plan.nodes);
    assert_memory_equal(of->plan.node_of, plan.node_of,
                        (of->instrs.len + 1) * sizeof(*plan.node_of));
    xt_plan_fini(&plan);
    xt_planner_fini(&planner);
}

static void
forgotten_nodes_are_found_again(void **state)
{
    (void)state;
    assert_true(analysis_each(check_nodes) > 1200);
    assert_true(analysis_each_unrolled(check_nodes) > 100);
}

/* --- What stands there ------------------------------------------------ */

/* Where the old instructions are in the new code, by a look at all of it. */
static uint32_t *
find_starts(const analysis *of, const xt_code_view *view)
{
    const xt_code_view new = analysis_new_view(of, view);
    uint32_t *starts = calloc(of->instrs.len, sizeof(*starts));
    uint32_t next = 0;
    for (uint32_t unit = 0; unit < new.code_len / 2;) {
        walk_instr instr = walk_fetch(&new, unit);
        uint32_t old = of->rewrite.old_unit[instr.opcode];
        if ((old & XT_REWRITE_INSERTED) == 0) {
            assert_true(next < of->instrs.len);
            while (of->instrs.items[next].added) {
                starts[next++] = XT_NONE;
                assert_true(next < of->instrs.len);
            }
            const xt_instr *there = &of->instrs.items[next];
            uint32_t caches = view->ops->traits[there->op].caches;
            uint32_t opcode = there->end - caches - 1;
            assert_int_equal(opcode, old);
            for (uint32_t i = 0; i <= caches; i++) {
                assert_int_equal(opcode + i,
                                 of->rewrite.old_unit[instr.opcode + i]);
            }
            starts[next++] = instr.start;
        }
        unit = instr.end;
    }
    for (; next < of->instrs.len; next++) {
        assert_true(of->instrs.items[next].added);
        starts[next] = XT_NONE;
    }
    return starts;
}

/* Some pairs the interpreter, or another tool, takes for granted. */
static bool
must_follow(const xt_instrs *instrs, uint32_t at)
{
    uint8_t before = instrs->items[at - 1].kind;
    uint8_t here = instrs->items[at].kind;
    return before == XT_KIND_SUSPEND || before == XT_KIND_SEND ||
           here == XT_KIND_END_FOR || here == XT_KIND_END_FOR_POP ||
           here == XT_KIND_END_SEND || here == XT_KIND_NOT_TAKEN ||
           here == XT_KIND_POP_ITER || here == XT_KIND_RESUME;
}

static void
check_neighbours(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    const xt_code_view new = analysis_new_view(of, view);
    uint32_t *starts = find_starts(of, view);
    assert_int_equal(0, starts[0]);
    for (uint32_t i = 1; i < of->instrs.len; i++) {
        bool apart = starts[i] == XT_NONE || starts[i - 1] == XT_NONE;
        if (!apart &&
            (i <= of->graph.first_traceable || must_follow(&of->instrs, i))) {
            walk_instr before = walk_fetch(&new, starts[i - 1]);
            assert_int_equal(before.end, starts[i]);
        }
    }
    /* What an iterator's end steps over is what it steps onto. */
    for (uint32_t i = 0; i < of->instrs.len; i++) {
        const xt_instr *old = &of->instrs.items[i];
        if (old->kind == XT_KIND_FOR_ITER || old->kind == XT_KIND_SEND ||
            old->kind == XT_KIND_END_ASYNC_FOR) {
            walk_instr instr = walk_fetch(&new, starts[i]);
            if (old->target != XT_NONE) {
                assert_int_equal(starts[old->target],
                                 walk_target(&new, &instr));
            }
        }
    }
    free(starts);
}

static void
what_belongs_together_is_not_parted(void **state)
{
    (void)state;
    assert_true(analysis_each(check_neighbours) > 1200);
    assert_true(analysis_each_unrolled(check_neighbours) > 100);
}

static void
check_handlers(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    const xt_code_view new = analysis_new_view(of, view);
    uint32_t *starts = find_starts(of, view);
    for (uint32_t i = 0; i < of->instrs.len; i++) {
        const xt_instr *old = &of->instrs.items[i];
        if (old->added) {
            continue;
        }
        walk_instr instr = walk_fetch(&new, starts[i]);
        uint32_t old_opcode = analysis_origin(
            of, old->end - view->ops->traits[old->op].caches - 1);
        xt_exctable_range there = {0};
        xt_exctable_range here = {0};
        bool handled = walk_find_handler(view, old_opcode, &there);
        for (uint32_t unit = instr.start; unit < instr.end; unit++) {
            assert_int_equal(handled, walk_find_handler(&new, unit, &here));
            assert_true(!handled || there.depth == here.depth);
        }
        if (handled) {
            /* There may be probes in front of the handler, but for jumps. */
            uint32_t first = of->instrs.at_unit[there.target];
            uint32_t unit = here.target;
            while (unit != starts[first]) {
                assert_true(unit < starts[first]);
                assert_int_not_equal(0, of->rewrite.old_unit[unit] &
                                            XT_REWRITE_INSERTED);
                unit++;
            }
        }
    }
    free(starts);
}

static void
exceptions_lead_where_they_led(void **state)
{
    (void)state;
    assert_true(analysis_each(check_handlers) > 1200);
    assert_true(analysis_each_unrolled(check_handlers) > 100);
}

/* 3.13 and later look up what comes out of a call at the code unit before
   it: that may be a probe now. */
static void
check_calls(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    const xt_code_view new = analysis_new_view(of, view);
    uint32_t *starts = find_starts(of, view);
    for (uint32_t i = 1; i < of->instrs.len; i++) {
        const xt_instr *old = &of->instrs.items[i];
        xt_exctable_range there = {0};
        xt_exctable_range here = {0};
        uint32_t start = analysis_origin(of, old->start);
        bool inside = walk_find_handler(view, start, &there);
        bool before = walk_find_handler(view, start - 1, &here);
        if (old->added || old->kind == XT_KIND_JUMP || inside != before ||
            (inside && there.start != here.start)) {
            continue;
        }
        assert_int_equal(inside,
                         walk_find_handler(&new, starts[i] - 1, &here));
        assert_true(!inside || there.depth == here.depth);
    }
    free(starts);
}

static void
what_comes_out_of_a_call_leads_where_it_led(void **state)
{
    (void)state;
    assert_true(analysis_each(check_calls) > 1200);
    assert_true(analysis_each_unrolled(check_calls) > 100);
}

/* --- Places in the source --------------------------------------------- */

/* The place of each code unit. */
static xt_location *
spread_places(const xt_code_view *view)
{
    size_t units = view->code_len / 2;
    xt_location *places = calloc(units, sizeof(*places));
    xt_location_reader reader;
    xt_location_start(&reader, view->locations, view->locations_len,
                      view->first_line);
    size_t at = 0;
    bool more = true;
    while (more) {
        xt_location_entry entry;
        assert_int_equal(XT_OK, xt_location_next(&reader, &entry, &more));
        for (unsigned i = 0; more && i < entry.units; i++) {
            assert_true(at < units);
            places[at++] = xt_location_of(&entry);
        }
    }
    assert_int_equal(units, at);
    return places;
}

static void
expect_same_place(const xt_location *expected, const xt_location *found)
{
    assert_int_equal(expected->has_line, found->has_line);
    if (expected->has_line) {
        assert_int_equal(expected->line, found->line);
        assert_int_equal(expected->end_line, found->end_line);
        assert_int_equal(expected->column, found->column);
        assert_int_equal(expected->end_column, found->end_column);
    }
}

static void
check_places(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    (void)seed;
    const xt_code_view new = analysis_new_view(of, view);
    xt_location *there = spread_places(view);
    xt_location *here = spread_places(&new);
    for (uint32_t unit = 0; unit < new.code_len / 2; unit++) {
        uint32_t old = of->rewrite.old_unit[unit] & ~XT_REWRITE_INSERTED;
        uint32_t at = of->instrs.at_unit[old];
        xt_location place = of->instrs.items[at].added
                                ? xt_instrs_place(&of->instrs, at)
                                : there[analysis_origin(of, old)];
        /* A probe has no place, or that of what is behind it. */
        if (old == of->rewrite.old_unit[unit] || here[unit].has_line) {
            expect_same_place(&place, &here[unit]);
        }
    }
    free(there);
    free(here);
}

static void
every_instruction_keeps_its_place_in_the_source(void **state)
{
    (void)state;
    assert_true(analysis_each(check_places) > 1200);
    assert_true(analysis_each_unrolled(check_places) > 100);
}

/* --- Size and memory -------------------------------------------------- */

static uint8_t
find_resume(const xt_opcodes *ops)
{
    uint8_t resume = 0;
    while (ops->traits[resume].kind != XT_KIND_RESUME) {
        resume++;
    }
    return resume;
}

/* Rewrites code that begins in line 1, and checks what there is to check. */
static void
check_all(const xt_opcodes *ops, const xt_buf *code,
          const xt_location_writer *lines, uint32_t seed, bool fused)
{
    const xt_code_view view = {
        .ops = ops,
        .code = (const unsigned char *)code->bytes,
        .code_len = code->len,
        .locations = (const unsigned char *)lines->table.bytes,
        .locations_len = lines->table.len,
        .first_line = 1,
    };
    analysis of = {0};
    assert_int_equal(XT_OK, analysis_run(&of, &view, true, XT_UNROLL_NONE, 1));
    assert_int_equal(fused, of.planner.probes[0].where == XT_PROBE_FUSED);
    check_walks(&of, &view, seed);
    check_neighbours(&of, &view, 0);
    check_places(&of, &view, 0);
    analysis_free(&of);
}

/* A loop of so many NOPs: RESUME, the NOPs, a jump back, a return. */
static void
try_long_loop(int minor, uint32_t nops)
{
    const xt_opcodes *ops = xt_opcodes_for(minor);
    uint8_t resume = find_resume(ops);
    uint32_t entry = 1U + ops->traits[resume].caches;
    uint32_t jump = ops->jump_backward_no_interrupt;
    uint32_t distance = nops;
    uint32_t width = xt_instr_units(ops, (uint8_t)jump, distance);
    while (width != xt_instr_units(ops, (uint8_t)jump, nops + width)) {
        width = xt_instr_units(ops, (uint8_t)jump, nops + width);
    }
    xt_buf code = {0};
    xt_location_writer lines = {.line = 1};
    assert_int_equal(XT_OK, xt_buf_reserve(&code, 2 * (nops + 64)));
    xt_instr_write(&code, ops, resume, 0, entry);
    const xt_location first = {true, 1, 1, 0, 1};
    assert_int_equal(XT_OK, xt_location_write(&lines, &first, entry));
    for (uint32_t i = 0; i < nops; i++) {
        const xt_location place = {.has_line = true,
                                   .line = 2 + i % 2,
                                   .end_line = 2 + i % 2,
                                   .end_column = 1};
        xt_instr_write(&code, ops, ops->nop, 0, 1);
        if (i % 40 == 0) {
            assert_int_equal(XT_OK,
                             xt_location_write(&lines, &place,
                                               nops - i < 40 ? nops - i : 40));
        }
    }
    xt_instr_write(&code, ops, (uint8_t)jump, nops + width, width);
    assert_int_equal(XT_OK, xt_location_write(&lines, &first, width));
    check_all(ops, &code, &lines, nops, false);
    xt_buf_fini(&code);
    xt_buf_fini(&lines.table);
}

static void
jumps_grow_when_probes_make_them_too_long(void **state)
{
    (void)state;
    for (uint32_t nops = 235; nops < 260; nops++) {
        try_long_loop(12, nops);
        try_long_loop(15, nops);
    }
    /* Each third of these probes is too much for two bytes. */
    for (uint32_t nops = 65450; nops < 65540; nops += 43) {
        try_long_loop(13, nops);
    }
}

/* RESUME, and in a line of its own a constant with EXTENDED_ARGs that it does
   not need, a POP_TOP and a return. */
static void
constants_may_be_wider_than_their_counters(void **state)
{
    (void)state;
    const xt_opcodes *ops = xt_opcodes_for(13);
    xt_buf code = {0};
    xt_location_writer lines = {.line = 1};
    static const uint32_t widths[] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        code.len = 0;
        lines.table.len = 0;
        lines.line = 1;
        assert_int_equal(XT_OK, xt_buf_reserve(&code, 64));
        uint8_t resume = find_resume(ops);
        xt_instr_write(&code, ops, resume, 0, 1);
        xt_instr_write(&code, ops, ops->load_const, 0, widths[i]);
        xt_instr_write(&code, ops, ops->pop_top, 0, 1);
        xt_instr_write(&code, ops, ops->return_const, 0, widths[i]);
        const xt_location first = {true, 1, 1, 0, 1};
        const xt_location then = {true, 2, 2, 0, 1};
        assert_int_equal(XT_OK, xt_location_write(&lines, &first, 1));
        assert_int_equal(XT_OK,
                         xt_location_write(&lines, &then, 1 + 2 * widths[i]));
        check_all(ops, &code, &lines, widths[i], true);
    }
    xt_buf_fini(&code);
    xt_buf_fini(&lines.table);
}

static void
check_memory(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    if (seed % 16 != 5) {
        return;
    }
    xt_status status = XT_NOMEM;
    for (long allowed = 0; status == XT_NOMEM; allowed++) {
        assert_true(allowed < 200);
        analysis fresh = {0};
        xt_mem_fail_after(allowed);
        status = analysis_run(&fresh, view, true, of->unroll, of->first_const);
        xt_mem_fail_after(-1);
        /* What failed can be used again. */
        assert_int_equal(XT_OK, analysis_run(&fresh, view, true, of->unroll,
                                             of->first_const));
        check_neighbours(&fresh, view, 0);
        analysis_free(&fresh);
    }
    assert_int_equal(XT_OK, status);
}

static void
a_failed_allocation_is_said_and_all_can_be_used_again(void **state)
{
    (void)state;
    assert_true(analysis_each(check_memory) > 1200);
    assert_true(analysis_each_unrolled(check_memory) > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            new_code_does_what_the_old_did_and_its_probes_tell_every_count),
        cmocka_unit_test(forgotten_nodes_are_found_again),
        cmocka_unit_test(what_belongs_together_is_not_parted),
        cmocka_unit_test(exceptions_lead_where_they_led),
        cmocka_unit_test(what_comes_out_of_a_call_leads_where_it_led),
        cmocka_unit_test(every_instruction_keeps_its_place_in_the_source),
        cmocka_unit_test(jumps_grow_when_probes_make_them_too_long),
        cmocka_unit_test(constants_may_be_wider_than_their_counters),
        cmocka_unit_test(
            a_failed_allocation_is_said_and_all_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
