// SPDX-License-Identifier: Apache-2.0
#include "solve.h"

#include <string.h>

/* Slots from a file may hold anything: sums wrap around. */
static int64_t
plus(int64_t one, int64_t other)
{
    return (int64_t)((uint64_t)one + (uint64_t)other);
}

static int64_t
minus(int64_t one, int64_t other)
{
    return (int64_t)((uint64_t)one - (uint64_t)other);
}

/* balance[node] is what must still come in, minus what must go out. */
static void
settle(const xt_plan_class *class, int64_t count, int64_t *balance)
{
    balance[class->to] = minus(balance[class->to], count);
    balance[class->from] = plus(balance[class->from], count);
}

static void
start_balance(const xt_plan *plan, uint32_t instrs, const xt_breaks *breaks,
              int64_t *balance)
{
    memset(balance, 0, plan->nodes * sizeof(*balance));
    if (breaks->left == NULL && breaks->handled == NULL) {
        return;
    }
    for (uint32_t i = 0; i < instrs; i++) {
        int64_t left = breaks->left == NULL ? 0 : (int64_t)breaks->left[i];
        int64_t handled =
            breaks->handled == NULL ? 0 : (int64_t)breaks->handled[i];
        int64_t *node = &balance[plan->node_of[i]];
        *node = plus(*node, minus(left, handled));
    }
}

bool
xt_solve(const xt_plan *plan, uint32_t instrs, const uint64_t *slots,
         const xt_breaks *breaks, int64_t *balance, int64_t *counts)
{
    start_balance(plan, instrs, breaks, balance);
    for (size_t i = 0; i < plan->classes_len; i++) {
        uint32_t slot = plan->classes[i].slot;
        counts[i] = slot == XT_NONE ? 0 : (int64_t)slots[slot];
    }
    for (size_t i = 0; i < plan->shifts_len && breaks->left != NULL; i++) {
        const xt_plan_shift *shift = &plan->shifts[i];
        int64_t left = (int64_t)breaks->left[shift->instr];
        int64_t *count = &counts[shift->class];
        if (shift->early) {
            *count = minus(*count, left);
        }
        else {
            int64_t come = breaks->handled == NULL
                               ? 0
                               : (int64_t)breaks->handled[shift->instr];
            *count = minus(plus(*count, left), come);
        }
    }
    for (size_t i = 0; i < plan->classes_len; i++) {
        if (plan->classes[i].slot != XT_NONE) {
            settle(&plan->classes[i], counts[i], balance);
        }
    }
    for (size_t i = 0; i < plan->steps_len; i++) {
        const xt_span_step *step = &plan->steps[i];
        const xt_plan_class *class = &plan->classes[step->edge];
        int64_t missing = balance[step->node];
        int64_t count = class->to == step->node ? missing : minus(0, missing);
        counts[step->edge] = count;
        settle(class, count, balance);
    }
    bool sound = true;
    for (size_t i = 0; i < plan->classes_len; i++) {
        sound = sound && counts[i] >= 0;
    }
    return sound;
}
