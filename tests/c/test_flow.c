// SPDX-License-Identifier: Apache-2.0
/* Random code objects of every version are rewritten, and the rewritten code
   is walked at random, as the interpreter would run it: it must visit the
   instructions of the original, and what its probes count must be solved to
   how often each line was fired, and each side of a branch taken. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "rewrite.h"
#include "solve.h"

enum { INSTRS = 24, LINES = 6, RUNS = 40, STEPS = 300, FIRST_CONST = 250 };

typedef struct {
    uint32_t seed;
    const xt_opcodes *ops;
    xt_buf code;
    xt_location_writer lines;
    xt_instrs instrs;
    xt_graph graph;
    xt_planner planner;
    xt_plan plan;
    xt_rewrite rewrite;
    xt_instrs again; /* the rewritten code, read */
    uint64_t slots[4 * INSTRS];
    uint64_t left[INSTRS];
    uint64_t edges[4 * INSTRS]; /* how often each edge of the graph ran */
} trial;

static uint32_t
next_random(trial *t, uint32_t below)
{
    t->seed = t->seed * 1664525 + 1013904223;
    return (t->seed >> 10) % below;
}

static uint8_t
find_op(const xt_opcodes *ops, xt_opcode_kind kind, xt_opcode_jump jump)
{
    for (unsigned op = 0; op < 256; op++) {
        if (ops->traits[op].kind == kind && ops->traits[op].jump == jump) {
            return (uint8_t)op;
        }
    }
    fail_msg("no opcode of kind %d", (int)kind);
    return 0;
}

/* Writes a code object: RESUME, whatever, a return. */
static xt_code_view
make_code(trial *t)
{
    const xt_opcodes *ops = t->ops;
    uint8_t op[INSTRS];
    uint32_t start[INSTRS + 1] = {0};
    for (unsigned i = 0; i < INSTRS; i++) {
        uint32_t chance = next_random(t, 10);
        op[i] = ops->nop;
        if (i == 0) {
            op[i] = find_op(ops, XT_KIND_RESUME, XT_JUMP_NONE);
        }
        else if (i == INSTRS - 1 || chance == 0) {
            op[i] = find_op(ops, XT_KIND_RETURN, XT_JUMP_NONE);
        }
        else if (chance < 4) {
            op[i] = ops->pop_jump_if_false;
        }
        else if (chance < 6) {
            op[i] =
                find_op(ops, XT_KIND_JUMP,
                        i > 2 && chance == 5 ? XT_JUMP_BACK : XT_JUMP_AHEAD);
        }
        start[i + 1] = start[i] + xt_instr_units(ops, op[i], 0);
    }
    t->code.len = 0;
    t->lines.table.len = 0;
    t->lines.line = 1;
    assert_int_equal(XT_OK, xt_buf_reserve(&t->code, 2 * start[INSTRS]));
    for (unsigned i = 0; i < INSTRS; i++) {
        uint32_t oparg = 0;
        if (ops->traits[op[i]].jump == XT_JUMP_AHEAD) {
            oparg =
                start[i + 1 + next_random(t, INSTRS - 1 - i)] - start[i + 1];
        }
        else if (ops->traits[op[i]].jump == XT_JUMP_BACK) {
            oparg = start[i + 1] - start[1 + next_random(t, i)];
        }
        uint32_t units = start[i + 1] - start[i];
        xt_instr_write(&t->code, ops, op[i], oparg, units);
        int64_t line = next_random(t, LINES);
        const xt_location place = {.has_line = line > 0,
                                   .line = line,
                                   .end_line = line,
                                   .column = 3,
                                   .end_column = 9};
        assert_int_equal(XT_OK, xt_location_write(&t->lines, &place, units));
    }
    return (xt_code_view){
        .ops = ops,
        .code = (const unsigned char *)t->code.bytes,
        .code_len = t->code.len,
        .locations = (const unsigned char *)t->lines.table.bytes,
        .locations_len = t->lines.table.len,
        .first_line = 1,
    };
}

static xt_status
analyse(trial *t, const xt_code_view *view, bool branches)
{
    xt_status status = xt_instrs_read(&t->instrs, view);
    if (status == XT_OK) {
        status = xt_graph_build(&t->graph, &t->instrs, view, branches);
    }
    if (status == XT_OK) {
        status = xt_plan_build(&t->plan, &t->planner, &t->graph, &t->instrs);
    }
    if (status == XT_OK) {
        status = xt_rewrite_build(&t->rewrite, &t->instrs, view,
                                  t->planner.probes, t->planner.probes_len,
                                  FIRST_CONST, t->graph.first_traceable);
    }
    return status;
}

static void
finish(trial *t)
{
    xt_buf_fini(&t->code);
    xt_buf_fini(&t->lines.table);
    xt_instrs_fini(&t->instrs);
    xt_instrs_fini(&t->again);
    xt_graph_fini(&t->graph);
    xt_planner_fini(&t->planner);
    xt_plan_fini(&t->plan);
    xt_rewrite_fini(&t->rewrite);
}

static void
count_edge(trial *t, uint32_t from, uint32_t to, bool taken)
{
    for (size_t i = 0; i < t->graph.len; i++) {
        const xt_edge *edge = &t->graph.edges[i];
        bool jump = edge->kind == XT_EDGE_TAKEN || edge->kind == XT_EDGE_JUMP;
        if (edge->from == from && edge->to == to && jump == taken) {
            t->edges[i]++;
            return;
        }
    }
    if (to != from + 1 || (t->graph.flags[to] & XT_IS_JOINED) == 0) {
        fail_msg("no edge from %u to %u", from, to);
    }
}

/* Runs the new code once. */
static void
walk(trial *t)
{
    uint32_t before = XT_NONE; /* the last instruction of the original */
    uint32_t expected = 0;
    bool taken = false;
    uint32_t at = 0;
    for (unsigned step = 0;; step++) {
        const xt_instr *instr = &t->again.items[at];
        uint32_t old =
            t->rewrite
                .old_unit[instr->end - 1 - t->ops->traits[instr->op].caches];
        if ((old & XT_REWRITE_INSERTED) != 0) {
            if (instr->op == t->ops->load_const) {
                t->slots[t->planner.slot_of[instr->oparg - FIRST_CONST]]++;
            }
            at = instr->target == XT_NONE ? at + 1 : instr->target;
            continue;
        }
        uint32_t here = t->instrs.at_unit[old];
        assert_int_equal(expected, here);
        if (before != XT_NONE) {
            count_edge(t, before, here, taken);
        }
        before = here;
        if (instr->kind == XT_KIND_RETURN) {
            return;
        }
        bool constant = instr->op == t->ops->load_const;
        if (constant && instr->oparg >= FIRST_CONST) {
            t->slots[t->planner.slot_of[instr->oparg -
                                        FIRST_CONST]]++; /* a fused probe */
        }
        bool stops = step > STEPS || (here > 0 && next_random(t, 60) == 0);
        if (stops && !constant) {
            t->left[here]++; /* an exception, or a frame that still runs */
            return;
        }
        taken = instr->kind == XT_KIND_JUMP ||
                (instr->kind == XT_KIND_BRANCH && next_random(t, 2) == 0);
        expected = taken ? t->instrs.items[here].target : here + 1;
        at = taken ? instr->target : at + 1;
    }
}

static void
check_counts(trial *t, bool branches)
{
    enum { MANY = 4 * INSTRS };
    int64_t counts[MANY];
    int64_t balance[MANY];
    int64_t solved[LINES] = {0};
    int64_t expected[LINES] = {0};
    const xt_breaks breaks = {.left = t->left};
    assert_true(
        xt_solve(&t->plan, INSTRS, t->slots, &breaks, balance, counts));
    for (size_t i = 0; i < t->plan.classes_len; i++) {
        const xt_plan_class *class = &t->plan.classes[i];
        if (class->line >= 0) {
            solved[class->line] += counts[i];
        }
        if (class->wanted) {
            assert_true(branches);
            assert_int_equal(t->edges[class->edge], counts[i]);
        }
    }
    for (size_t i = 0; i < t->graph.len; i++) {
        if (t->graph.edges[i].line >= 0) {
            expected[t->graph.edges[i].line] += (int64_t)t->edges[i];
        }
    }
    assert_memory_equal(expected, solved, sizeof(expected));
}

static void
try_once(uint32_t seed, int minor, bool branches)
{
    trial t = {.seed = seed * 7919 + 1, .ops = xt_opcodes_for(minor)};
    const xt_code_view view = make_code(&t);
    assert_int_equal(XT_OK, analyse(&t, &view, branches));
    const xt_code_view new_view = {
        .ops = t.ops,
        .code = (const unsigned char *)t.rewrite.code.bytes,
        .code_len = t.rewrite.code.len,
        .locations = (const unsigned char *)t.rewrite.locations.table.bytes,
        .locations_len = t.rewrite.locations.table.len,
        .first_line = 1,
    };
    assert_int_equal(XT_OK, xt_instrs_read(&t.again, &new_view));
    for (size_t i = 0; i < t.again.len; i++) {
        uint32_t old = t.rewrite.old_unit[t.again.items[i].start];
        if ((old & XT_REWRITE_INSERTED) == 0) {
            uint32_t index = t.instrs.at_unit[old];
            assert_int_equal(t.instrs.items[index].line,
                             t.again.items[i].line);
        }
    }
    for (int i = 0; i < RUNS; i++) {
        walk(&t);
    }
    check_counts(&t, branches);
    finish(&t);
}

static void
what_probes_count_is_solved_to_what_ran(void **state)
{
    (void)state;
    for (int minor = 12; minor <= 15; minor++) {
        for (uint32_t seed = 0; seed < 400; seed++) {
            try_once(seed, minor, seed % 2 == 1);
        }
    }
}

static void
a_version_without_a_table_has_none(void **state)
{
    (void)state;
    assert_null(xt_opcodes_for(11));
    assert_null(xt_opcodes_for(99));
}

static void
damaged_code_is_refused(void **state)
{
    (void)state;
    trial t = {.seed = 5, .ops = xt_opcodes_for(13)};
    xt_code_view view = make_code(&t);
    view.code_len = 0;
    assert_int_equal(XT_CORRUPT, analyse(&t, &view, false));
    view.code_len = t.code.len - 2; /* control runs over the end */
    assert_int_not_equal(XT_OK, analyse(&t, &view, false));
    view.code_len = t.code.len;
    view.locations_len = 1;
    assert_int_equal(XT_CORRUPT, analyse(&t, &view, false));
    view.locations_len = t.lines.table.len;
    t.code.bytes[0] = 0; /* CACHE, where an instruction must be */
    assert_int_equal(XT_UNSUPPORTED, analyse(&t, &view, false));
    finish(&t);
}

static void
out_of_memory_is_said_and_nothing_leaks(void **state)
{
    (void)state;
    xt_status status = XT_NOMEM;
    for (long allowed = 0; status == XT_NOMEM; allowed++) {
        trial t = {.seed = 11, .ops = xt_opcodes_for(14)};
        const xt_code_view view = make_code(&t);
        xt_mem_fail_after(allowed);
        status = analyse(&t, &view, true);
        xt_mem_fail_after(-1);
        finish(&t);
        assert_true(allowed < 100);
    }
    assert_int_equal(XT_OK, status);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_probes_count_is_solved_to_what_ran),
        cmocka_unit_test(a_version_without_a_table_has_none),
        cmocka_unit_test(damaged_code_is_refused),
        cmocka_unit_test(out_of_memory_is_said_and_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
