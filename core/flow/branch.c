// SPDX-License-Identifier: Apache-2.0
#include "branch.h"

const char *const xt_branch_names[XT_BRANCH_KINDS] = {"bool", "none", "for",
                                                      "except"};

xt_branch_kind
xt_branch_of(const xt_opcodes *ops, const xt_instr *jump, bool *answer)
{
    if (jump->kind != XT_KIND_BRANCH) {
        *answer = jump->kind == XT_KIND_END_ASYNC_FOR;
        return XT_BRANCH_FOR;
    }
    *answer =
        jump->op == ops->pop_jump_if_true || jump->op == ops->pop_jump_if_none;
    bool none = jump->op == ops->pop_jump_if_none ||
                jump->op == ops->pop_jump_if_not_none;
    return none ? XT_BRANCH_NONE : XT_BRANCH_BOOL;
}

uint32_t
xt_branch_async_end(const xt_instrs *instrs, uint32_t at)
{
    /* GET_ANEXT, what SEND takes, SEND, and what it sends round. */
    enum { TAKES_MOST = 3, ROUND_MOST = 6 };
    const xt_instr *items = instrs->items;
    uint32_t first = at > ROUND_MOST ? at - ROUND_MOST : 0;
    uint32_t send = at;
    while (send > first && items[send].target != at) {
        send--;
    }
    if (items[send].kind != XT_KIND_SEND || items[send].target != at) {
        return XT_NONE;
    }
    first = send > TAKES_MOST ? send - TAKES_MOST : 0;
    uint32_t next = send;
    while (next > first && items[next].op != instrs->ops->get_anext) {
        next--;
    }
    if (items[next].op != instrs->ops->get_anext) {
        return XT_NONE;
    }
    uint32_t end = xt_instrs_find_handler(instrs, next);
    return end != XT_NONE && items[end].kind == XT_KIND_END_ASYNC_FOR
               ? end
               : XT_NONE;
}

/* Whether an event tells that END_SEND goes on. Before 3.14 INSTRUCTION does;
   later it would change what the other events say. */
static bool
is_told(const xt_instrs *instrs, uint32_t end_send)
{
    return instrs->ops->minor < 14 ||
           (end_send + 1 < instrs->len &&
            instrs->items[end_send + 1].kind == XT_KIND_NOT_TAKEN);
}

bool
xt_branch_has_events(const xt_instrs *instrs, uint32_t at)
{
    if (instrs->items[at].kind == XT_KIND_END_SEND) {
        return is_told(instrs, at);
    }
    bool told = true;
    if (instrs->items[at].kind == XT_KIND_END_ASYNC_FOR) {
        for (uint32_t i = 0; i < instrs->len && told; i++) {
            told = instrs->items[i].kind != XT_KIND_END_SEND ||
                   is_told(instrs, i) || xt_branch_async_end(instrs, i) != at;
        }
    }
    return told;
}

static bool
is_before(int64_t line, int64_t column, int64_t other, int64_t other_column)
{
    return line < other || (line == other && column < other_column);
}

/* Whether two places have a part in common. */
static bool
meet(const xt_location *one, const xt_location *other)
{
    return is_before(one->line, one->column, other->end_line,
                     other->end_column) &&
           is_before(other->line, other->column, one->end_line,
                     one->end_column);
}

xt_location
xt_branch_place(const xt_instrs *instrs, uint32_t at)
{
    if (instrs->items[at].kind == XT_KIND_END_SEND) {
        at = xt_branch_async_end(instrs, at);
    }
    const xt_instr *jump = &instrs->items[at];
    const xt_opcodes *ops = instrs->ops;
    uint32_t before = at;
    if (before > 0 && ops->to_bool != 0 &&
        instrs->items[before - 1].op == ops->to_bool) {
        before--;
    }
    if (jump->kind == XT_KIND_BRANCH && before > 1 &&
        instrs->items[before - 1].op == ops->copy &&
        instrs->items[before - 1].oparg == 1) {
        const xt_location operand = xt_instrs_place(instrs, before - 2);
        if (operand.has_line) {
            return operand;
        }
    }
    /* From 3.13 on, the jumps of all conditions of a comprehension have the
       place of its element. What makes a bool of the condition stands before
       them; not so for None, where that may be one instruction with what
       stands before the condition. */
    const xt_location place = xt_instrs_place(instrs, at);
    bool answer;
    if (jump->kind == XT_KIND_BRANCH && ops->minor >= 13 && at > 0 &&
        xt_branch_of(ops, jump, &answer) == XT_BRANCH_BOOL) {
        const xt_location asked = xt_instrs_place(instrs, at - 1);
        if (asked.has_line && place.has_line && !meet(&asked, &place)) {
            return asked;
        }
    }
    return place;
}

/* Whether a jump ends a chain of comparisons early: the operand that is
   compared next was kept by COPY. */
static bool
is_link(const xt_instrs *instrs, uint32_t at)
{
    const xt_opcodes *ops = instrs->ops;
    const xt_instr *items = instrs->items;
    if (items[at].op != ops->pop_jump_if_false) {
        return false;
    }
    if (at > 0 && ops->to_bool != 0 && items[at - 1].op == ops->to_bool) {
        at--;
    }
    if (at > 0 && items[at - 1].op == ops->copy && items[at - 1].oparg == 1) {
        at--;
    }
    return at > 1 && items[at - 2].op == ops->copy && items[at - 2].oparg == 2;
}

static bool
is_same_place(const xt_location *one, const xt_location *other)
{
    return one->has_line == other->has_line && one->line == other->line &&
           one->end_line == other->end_line && one->column == other->column &&
           one->end_column == other->end_column;
}

bool
xt_branch_is_answer(const xt_instrs *instrs, uint32_t at, bool taken)
{
    if (taken || !is_link(instrs, at)) {
        return true;
    }
    /* The rest of the chain stands before what ends it. Its last comparison
       may have no jump: then this one has the last word. */
    const xt_location place = xt_branch_place(instrs, at);
    uint32_t end = instrs->items[at].target;
    for (uint32_t i = at + 1; i < instrs->len && i != end; i++) {
        bool answer;
        if (instrs->items[i].kind != XT_KIND_BRANCH ||
            xt_branch_of(instrs->ops, &instrs->items[i], &answer) !=
                XT_BRANCH_BOOL) {
            continue;
        }
        const xt_location other = xt_branch_place(instrs, i);
        if (is_same_place(&other, &place)) {
            return false;
        }
    }
    return true;
}

int32_t
xt_branch_leads_to(const xt_instrs *instrs, uint32_t at, bool taken)
{
    int32_t line = instrs->items[at].line;
    uint32_t next = taken ? instrs->items[at].target : at + 1;
    /* Each instruction is passed at most once, but for a loop without end. */
    for (size_t steps = 0; next < instrs->len && steps < instrs->len;
         steps++) {
        const xt_instr *instr = &instrs->items[next];
        if (instr->line >= 0 && instr->line != line) {
            return instr->line;
        }
        switch (instr->kind) {
        case XT_KIND_RETURN:
            return XT_LEADS_OUT;
        case XT_KIND_JUMP:
        case XT_KIND_SILENT_JUMP:
            next = instr->target;
            break;
        case XT_KIND_RAISE:
        case XT_KIND_RERAISE:
        case XT_KIND_BRANCH:
        case XT_KIND_FOR_ITER:
        case XT_KIND_SEND:
            return XT_LEADS_NOWHERE;
        default:
            next++;
            break;
        }
    }
    return XT_LEADS_NOWHERE;
}

xt_location
xt_branch_handler_place(const xt_instrs *instrs, uint32_t at)
{
    while (instrs->items[at].line < 0 &&
           !instrs->places[instrs->items[at].place].has_line &&
           instrs->items[at].kind == XT_KIND_PLAIN && at + 1 < instrs->len) {
        at++;
    }
    return xt_instrs_place(instrs, at);
}
