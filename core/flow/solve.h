// SPDX-License-Identifier: Apache-2.0
/* From the probes' counts to those of every class of edges.
 *
 * For each node: what comes in, plus exceptions that are handled there, is
 * what goes out, plus interrupts: exceptions raised there and frames that
 * stand there now. Handlers are entered, and exceptions raised, where the
 * monitoring events of the interpreter say (docs/probes.md).
 */
#ifndef XT_SOLVE_H
#define XT_SOLVE_H

#include "plan.h"

/* What broke the flow, per instruction of the code object. Both arrays are
   borrowed, and NULL when nothing did. */
typedef struct {
    const uint64_t *left;    /* how often control left in its midst */
    const uint64_t *handled; /* how often an exception, or a debugger, led to
                                it */
} xt_breaks;

/* Sets counts[class] for each class of the plan, from slots[slot]; `balance`
   is scratch for one number per node. `instrs` is the number of instructions.
   Returns false if any count is negative: then something is missing in
   `breaks` or in the slots. (The reverse is not true.) */
bool xt_solve(const xt_plan *plan, uint32_t instrs, const uint64_t *slots,
              const xt_breaks *breaks, int64_t *balance, int64_t *counts);

#endif
