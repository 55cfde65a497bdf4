// SPDX-License-Identifier: Apache-2.0
#include "depth.h"

#include "mem.h"

void
xt_depth_fini(xt_depth *depth)
{
    xt_free(depth->at);
    *depth = (xt_depth){0};
}

/* The entry of a handler: what the exception table keeps, the instruction that
   raised if that is asked for, and the exception. */
static int32_t
depth_of_handler(const xt_exctable_range *range)
{
    return (int32_t)(range->depth >> 1) + (int32_t)(range->depth & 1) + 1;
}

/* No stack is as deep as that. */
enum { DEEPEST = 1 << 24 };

/* Notes the depth at `to`, as told from an instruction that leads there, if it
   is not known yet. False if there can be no such depth. */
static bool
lead(int32_t *at, uint32_t to, int32_t before, int effect)
{
    if (effect > DEEPEST || effect < -before || before + effect > DEEPEST) {
        return false;
    }
    if (at[to] < 0) {
        at[to] = before + effect;
    }
    return true;
}

/* Whether the instruction may go on at its target. */
static bool
may_jump(const xt_instr *instr)
{
    return instr->target != XT_NONE && instr->kind != XT_KIND_END_ASYNC_FOR;
}

/* RETURN_GENERATOR: once the generator runs, what it was sent lies there. 3.12
   says otherwise. */
static bool
starts_generator(const xt_instrs *instrs, const xt_instr *instr)
{
    return instr->kind == XT_KIND_SUSPEND &&
           instr->op != instrs->ops->yield_value;
}

/* Follows all instructions once, in their order. False if an instruction does
   what nobody knows. */
static bool
follow(int32_t *at, const xt_instrs *instrs, xt_stack_effect effect,
       bool *more)
{
    for (uint32_t i = 0; i < instrs->len; i++) {
        const xt_instr *instr = &instrs->items[i];
        if (at[i] < 0) {
            continue;
        }
        int oparg = (int)instr->oparg;
        if (xt_graph_falls_through(instr->kind) && i + 1 < instrs->len) {
            int goes_on = starts_generator(instrs, instr)
                              ? 1
                              : effect(instr->op, oparg, 0);
            if (!lead(at, i + 1, at[i], goes_on)) {
                return false;
            }
        }
        if (may_jump(instr)) {
            bool is_new = at[instr->target] < 0;
            int jumps = effect(instr->op, oparg, 1);
            if (!lead(at, instr->target, at[i], jumps)) {
                return false;
            }
            *more = *more || (is_new && instr->target < i);
        }
    }
    return true;
}

xt_status
xt_depth_of_probes(xt_depth *depth, const xt_instrs *instrs,
                   const xt_probe *probes, size_t probes_len,
                   xt_stack_effect effect, int32_t *most)
{
    int32_t *at =
        xt_renew(depth->at, &depth->cap, instrs->len, sizeof(*depth->at));
    if (at == NULL) {
        return XT_NOMEM;
    }
    depth->at = at;
    for (size_t i = 0; i < instrs->len; i++) {
        at[i] = -1;
    }
    at[0] = 0;
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        const xt_exctable_range *range = &instrs->handlers.ranges[i];
        at[instrs->at_unit[range->target]] = depth_of_handler(range);
    }
    *most = INT32_MAX;
    bool more = true;
    while (more) {
        more = false;
        if (!follow(at, instrs, effect, &more)) {
            return XT_OK;
        }
    }
    int32_t deepest = 0;
    for (size_t i = 0; i < probes_len; i++) {
        uint32_t where = probes[i].where == XT_PROBE_TRAMPOLINE
                             ? instrs->items[probes[i].at].target
                             : probes[i].at;
        if (at[where] < 0) {
            return XT_OK;
        }
        deepest = at[where] > deepest ? at[where] : deepest;
    }
    *most = deepest + 1;
    return XT_OK;
}
