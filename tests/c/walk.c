// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "random_code.h"

walk_instr
walk_fetch(const xt_code_view *view, uint32_t unit)
{
    walk_instr instr = {.start = unit};
    for (;; unit++) {
        assert_true(2 * (size_t)unit < view->code_len);
        instr.op = view->code[2 * unit];
        instr.oparg = instr.oparg << 8 | view->code[2 * unit + 1];
        if (instr.op != view->ops->extended_arg) {
            break;
        }
    }
    instr.kind = view->ops->traits[instr.op].kind;
    assert_int_not_equal(XT_KIND_UNKNOWN, instr.kind);
    instr.opcode = unit;
    instr.end = unit + 1 + view->ops->traits[instr.op].caches;
    return instr;
}

uint32_t
walk_target(const xt_code_view *view, const walk_instr *instr)
{
    return view->ops->traits[instr->op].jump == XT_JUMP_BACK
               ? instr->end - instr->oparg
               : instr->end + instr->oparg;
}

static uint32_t
read_group(const xt_code_view *view, size_t *at)
{
    uint32_t number = 0;
    for (;;) {
        assert_true(*at < view->exceptions_len);
        unsigned byte = view->exceptions[(*at)++];
        number = number * 64 + byte % 64;
        if ((byte & 64) == 0) {
            return number;
        }
    }
}

bool
walk_find_handler(const xt_code_view *view, uint32_t unit,
                  xt_exctable_range *range)
{
    for (size_t at = 0; at < view->exceptions_len;) {
        range->start = read_group(view, &at);
        range->end = range->start + read_group(view, &at);
        range->target = read_group(view, &at);
        range->depth = read_group(view, &at);
        if (unit >= range->start && unit < range->end) {
            return true;
        }
    }
    return false;
}

walk_counts
walk_counts_new(const analysis *of)
{
    size_t len = of->instrs.len;
    uint64_t *all = calloc(6 * len + of->plan.slots + 1, sizeof(*all));
    assert_non_null(all);
    return (walk_counts){
        .fell = all,
        .jumped = all + len,
        .entered = all + 2 * len,
        .went = all + 3 * len,
        .left = all + 4 * len,
        .handled = all + 5 * len,
        .slots = all + 6 * len,
        .all = all,
    };
}

void
walk_counts_free(walk_counts *counts)
{
    free(counts->all);
    *counts = (walk_counts){0};
}

uint64_t
walk_count_of(const walk_counts *counts, const xt_edge *edge)
{
    switch ((xt_edge_kind)edge->kind) {
    case XT_EDGE_FALL:
        return counts->fell[edge->from];
    case XT_EDGE_JUMP:
    case XT_EDGE_TAKEN:
        return counts->jumped[edge->from];
    case XT_EDGE_ENTER:
        return counts->entered[edge->to];
    case XT_EDGE_LEAVE:
        return counts->went[edge->from];
    case XT_EDGE_RERAISE:
        return counts->jumped[edge->from];
    }
    fail();
    return 0;
}

/* Both codes, and where they are. */
typedef struct {
    const analysis *of;
    const xt_code_view *old;
    xt_code_view new;
    uint32_t old_unit;
    uint32_t new_unit;
    walk_counts *counts;
    uint32_t *seed;
} walking;

static bool
chance(walking *w, uint32_t one_in)
{
    return random_next(w->seed, one_in) == 0;
}

/* Which instruction of the original a code unit belongs to. */
static uint32_t
number_of(const walking *w, uint32_t unit)
{
    assert_true(unit < w->of->instrs.read_units);
    uint32_t at = w->of->instrs.at_unit[unit];
    assert_int_equal(unit, w->of->instrs.items[at].start);
    return at;
}

/* Which one of the original or of a copy the new code is in front of. */
static uint32_t
point_of(const walking *w, uint32_t new_unit)
{
    uint32_t old = w->of->rewrite.old_unit[new_unit];
    return w->of->instrs.at_unit[old & ~XT_REWRITE_INSERTED];
}

/* The original's code unit that one of the new code stands for. */
static uint32_t
origin_of(const walking *w, uint32_t new_unit)
{
    return analysis_origin(w->of, w->of->rewrite.old_unit[new_unit]);
}

static bool
counts(const xt_opcodes *ops, uint8_t op)
{
    return op == ops->unary_negative || op == ops->unary_invert;
}

/* What drops the None that a counter gives. */
static uint8_t
drops(const xt_opcodes *ops)
{
    return ops->minor == 14 ? ops->exit_init_check : ops->pop_top;
}

/* A counter that is loaded adds to its slot: the next instruction has it do
 * so.
 */
static void
run_counter(walking *w, const walk_instr *load)
{
    const xt_planner *planner = &w->of->planner;
    uint32_t counter = load->oparg - w->of->first_const;
    assert_true(counter < planner->counters);
    assert_true(planner->slot_of[counter] < w->of->plan.slots);
    w->counts->slots[planner->slot_of[counter]]++;
}

/* Runs what was inserted into the new code. */
static walk_instr
pass_inserted(walking *w)
{
    const xt_opcodes *ops = w->old->ops;
    const xt_rewrite *out = &w->of->rewrite;
    for (;;) {
        walk_instr instr = walk_fetch(&w->new, w->new_unit);
        if ((out->old_unit[instr.opcode] & XT_REWRITE_INSERTED) == 0) {
            return instr;
        }
        w->new_unit = instr.end;
        if (instr.op == ops->load_const) {
            run_counter(w, &instr);
            walk_instr then = walk_fetch(&w->new, w->new_unit);
            assert_true(counts(ops, then.op));
            then = walk_fetch(&w->new, then.end);
            assert_int_equal(drops(ops), then.op);
            w->new_unit = then.end;
        }
        else if (counts(ops, instr.op)) {
            continue; /* of a fused probe, which was run already */
        }
        else if (instr.op == ops->jump_backward_no_interrupt ||
                 instr.op == ops->jump_forward) {
            w->new_unit = walk_target(&w->new, &instr);
        }
        else {
            assert_int_equal(ops->nop, instr.op); /* the landing's */
        }
    }
}

/* By a list of its own: RETURN_CONST, LOAD_SMALL_INT, LOAD_COMMON_CONSTANT. */
static bool
loads_constant(const xt_opcodes *ops, uint8_t op)
{
    return op == ops->load_const ||
           (ops->minor <= 13 && op == ops->return_const) ||
           (ops->minor >= 14 && op == ops->load_small_int) ||
           (ops->minor >= 15 && op == ops->load_common_constant);
}

/* Whether an instruction of the new code is a counter in place of a constant.
 */
static bool
is_fused(const walking *w, const walk_instr *new)
{
    const xt_rewrite *out = &w->of->rewrite;
    return new->op == w->old->ops->load_const &&
           (out->old_unit[new->opcode] & XT_REWRITE_INSERTED) == 0 &&
           new->end < out->units &&
           (out->old_unit[new->end] & XT_REWRITE_INSERTED) != 0 &&
           counts(w->old->ops, walk_fetch(&w->new, new->end).op);
}

/* Both codes are in front of one instruction. */
static walk_instr
fetch_both(walking *w, walk_instr *new)
{
    walk_instr old = walk_fetch(w->old, w->old_unit);
    *new = pass_inserted(w);
    assert_int_equal(old.opcode, origin_of(w, new->opcode));
    if (is_fused(w, new)) {
        assert_true(loads_constant(w->old->ops, old.op));
        return old;
    }
    assert_int_equal(old.op, new->op);
    if (w->old->ops->traits[old.op].jump == XT_JUMP_NONE) {
        assert_int_equal(old.oparg, new->oparg);
    }
    return old;
}

/* An exception leads both codes to the same handler; false if it leads out
   of the function. */
static bool
handle(walking *w, const walk_instr *old, const walk_instr *new)
{
    xt_exctable_range there = {0};
    xt_exctable_range here = {0};
    bool handled = walk_find_handler(w->old, old->opcode, &there);
    assert_int_equal(handled, walk_find_handler(&w->new, new->opcode, &here));
    if (!handled) {
        return false;
    }
    assert_int_equal(there.depth, here.depth);
    w->old_unit = there.target;
    w->new_unit = here.target;
    return true;
}

/* What is not raised on at a place of its own interrupts the flow. */
static bool
break_off(walking *w, const walk_instr *old, const walk_instr *new)
{
    bool handled = handle(w, old, new);
    if (handled) {
        w->counts->handled[point_of(w, w->new_unit)]++;
    }
    return handled;
}

/* A yield: the frame may be resumed, be left so, or get an exception. */
static bool
suspend(walking *w, const walk_instr *old, const walk_instr *new)
{
    w->counts->went[number_of(w, old->start)]++;
    if (chance(w, 12)) {
        return false;
    }
    if (chance(w, 8)) {
        return break_off(w, old, new);
    }
    w->old_unit = old->end;
    w->new_unit = new->end;
    w->counts->entered[number_of(w, old->end)]++;
    return true;
}

/* The end of an iterator: one in C has the interpreter step over END_FOR
   (3.13: and the POP_TOP behind it), a generator does not. */
static void
finish_loop(walking *w, const walk_instr *old, const walk_instr *new)
{
    w->old_unit = walk_target(w->old, old);
    w->new_unit = walk_target(&w->new, new);
    w->counts->jumped[number_of(w, old->start)]++;
    if (chance(w, 3)) {
        return;
    }
    for (int i = 0; i < (w->old->ops->minor == 13 ? 2 : 1); i++) {
        w->counts->fell[number_of(w, w->old_unit)]++;
        assert_int_equal(w->old_unit, origin_of(w, w->new_unit));
        w->old_unit++;
        w->new_unit++;
    }
}

static void
go_on(walking *w, const walk_instr *old, const walk_instr *new)
{
    uint32_t at = number_of(w, old->start);
    bool jumps = old->kind == XT_KIND_JUMP || old->kind == XT_KIND_SILENT_JUMP;
    bool may_jump = old->kind == XT_KIND_BRANCH || old->kind == XT_KIND_SEND;
    if (old->kind == XT_KIND_FOR_ITER && chance(w, 4)) {
        finish_loop(w, old, new);
    }
    else if (jumps || (may_jump && chance(w, 2))) {
        w->counts->jumped[at]++;
        w->old_unit = walk_target(w->old, old);
        w->new_unit = walk_target(&w->new, new);
    }
    else {
        w->counts->fell[at]++;
        w->old_unit = old->end;
        w->new_unit = new->end;
    }
}

/* What only drops things, or loads a constant, cannot fail; probes may be
   moved behind it, or into it. */
static bool
may_raise(const walking *w, uint32_t at)
{
    const xt_instr *instr = &w->of->instrs.items[at];
    uint8_t kind = instr->kind;
    return !loads_constant(w->old->ops, instr->op) &&
           kind != XT_KIND_END_FOR && kind != XT_KIND_END_FOR_POP &&
           kind != XT_KIND_POP_ITER && kind != XT_KIND_NOT_TAKEN;
}

/* Runs one instruction; false if that was the last. */
static bool
step(walking *w)
{
    walk_instr new;
    walk_instr old = fetch_both(w, &new);
    uint32_t at = number_of(w, old.start);
    w->counts->steps++;
    if (is_fused(w, &new)) {
        run_counter(w, &new);
    }
    if (old.kind == XT_KIND_RETURN) {
        w->counts->went[at]++;
        return false;
    }
    if (old.kind == XT_KIND_RERAISE) {
        w->counts->jumped[at]++;
        return handle(w, &old, &new);
    }
    if (may_raise(w, at) && (old.kind == XT_KIND_RAISE || chance(w, 50))) {
        w->counts->left[point_of(w, new.opcode)]++;
        return break_off(w, &old, &new);
    }
    if (old.kind == XT_KIND_SUSPEND) {
        return suspend(w, &old, &new);
    }
    go_on(w, &old, &new);
    return true;
}

/* A frame that was started in the original goes on behind the RESUME. */
static void
start_at_landing(walking *w)
{
    for (;;) {
        walk_instr instr = walk_fetch(w->old, w->old_unit);
        uint32_t at = number_of(w, instr.start);
        if (instr.kind == XT_KIND_SUSPEND) {
            w->counts->went[at]++;
            w->counts->entered[at + 1]++;
        }
        else {
            w->counts->fell[at]++;
        }
        w->old_unit = instr.end;
        if (at == w->of->graph.first_traceable) {
            break;
        }
    }
    w->new_unit = w->of->rewrite.landing;
}

void
walk_once(const analysis *of, const xt_code_view *view, walk_counts *counts,
          uint32_t *seed)
{
    enum { STEPS = 2000 };
    walking w = {
        .of = of,
        .old = view,
        .new = analysis_new_view(of, view),
        .counts = counts,
        .seed = seed,
    };
    counts->entered[0]++;
    if (chance(&w, 3)) {
        start_at_landing(&w);
    }
    for (int i = 0; step(&w); i++) {
        if (i > STEPS) {
            /* It still runs when counts are read. */
            walk_instr new;
            walk_instr old = fetch_both(&w, &new);
            uint32_t at = number_of(&w, old.start);
            if (may_raise(&w, at)) {
                counts->left[point_of(&w, new.opcode)]++;
                return;
            }
        }
    }
}
