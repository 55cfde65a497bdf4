// SPDX-License-Identifier: Apache-2.0
/* Goes over code as it stands, also while it runs, without building anything
 * of it: plain instructions fast, others one by one.
 */
#ifndef XT_PASS_H
#define XT_PASS_H

#include "instr.h"

/* An instruction. */
typedef struct {
    uint32_t end; /* behind its caches */
    uint32_t oparg;
    uint8_t kind; /* xt_opcode_kind; XT_KIND_EXTENDED_ARG: the code ends */
    uint8_t jump; /* xt_opcode_jump */
} xt_step;

/* Goes over instructions that lead to the next one, up to one that begins at
   code unit `end` or behind, or that has to be looked at: returns where that
   begins. */
static inline uint32_t
xt_pass_plain(const xt_code_view *view, uint32_t unit, uint32_t end)
{
    const uint8_t *plain = view->ops->plain;
    const unsigned char *code = view->code;
    while (unit < end) {
        uint32_t units = plain[code[2 * unit]];
        if (units == 0) {
            /* One EXTENDED_ARG is common. */
            bool extended = code[2 * unit] == view->ops->extended_arg &&
                            2 * (size_t)unit + 2 < view->code_len;
            uint32_t behind = extended ? plain[code[2 * unit + 2]] : 0;
            if (behind == 0) {
                break;
            }
            units = 1 + behind;
        }
        unit += units;
    }
    return unit;
}

static inline xt_step
xt_pass_step(const xt_code_view *view, uint32_t unit)
{
    const xt_opcodes *ops = view->ops;
    const unsigned char *code = view->code;
    uint32_t oparg = 0;
    while (code[2 * unit] == ops->extended_arg &&
           2 * (size_t)unit + 2 < view->code_len) {
        oparg = (oparg | code[2 * unit + 1]) << 8;
        unit++;
    }
    const xt_opcode_traits *traits = &ops->traits[ops->base[code[2 * unit]]];
    return (xt_step){
        .end = unit + 1 + traits->caches,
        .oparg = oparg | code[2 * unit + 1],
        .kind = traits->kind,
        .jump = traits->jump,
    };
}

#endif
