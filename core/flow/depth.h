// SPDX-License-Identifier: Apache-2.0
/* How much of its stack a code object uses where there are probes.
 *
 * A probe needs one place above what lies there. The compiler has found the
 * depth at each instruction in the same way to say how large a stack must be
 * (Python/flowgraph.c of CPython 3.12 to 3.15).
 */
#ifndef XT_DEPTH_H
#define XT_DEPTH_H

#include "plan.h"

/* How many places an instruction adds to the stack, when it jumps (1) or does
   not (0); INT_MAX for none that there is. CPython's
   PyCompile_OpcodeStackEffectWithJump() is such a function. */
typedef int (*xt_stack_effect)(int op, int oparg, int jump);

/* Scratch memory, used again and again. Zero is valid. */
typedef struct {
    int32_t *at; /* owned: places used before each instruction; -1: nothing
                    that was looked at leads there */
    size_t cap;
} xt_depth;

void xt_depth_fini(xt_depth *depth);

/* Finds the most places that are used where there is a probe, with its own;
   INT32_MAX if that cannot be told. XT_NOMEM. */
xt_status xt_depth_of_probes(xt_depth *depth, const xt_instrs *instrs,
                             const xt_probe *probes, size_t probes_len,
                             xt_stack_effect effect, int32_t *most);

#endif
