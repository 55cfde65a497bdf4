// SPDX-License-Identifier: Apache-2.0
/* Writes a code object anew, with its probes.
 *
 * A probe is LOAD_CONST counter, UNARY_NEGATIVE or UNARY_INVERT, POP_TOP or
 * EXIT_INIT_CHECK: it needs one place on the stack, raises nothing and lets no
 * other thread run. A fused one has the first two in place of an instruction
 * that loads a constant, which is then what the second gives. Each instruction
 * is laid out as
 *
 *     [probes for what falls in] label: [probes for whatever goes here] instr
 *
 * and jumps go to the label. Trampolines (a probe and a jump back) follow the
 * last instruction, and after them the landing, for frames that were started
 * in the original code: a NOP that has the place of the first RESUME, where
 * such a frame stands meanwhile, and a jump to behind that RESUME. The jump
 * has no place in the source, so that the first line is an event, as it is
 * behind RESUME. A probe belongs to the exception range of the instruction
 * behind it, since 3.13 looks up what comes out of a call at the code unit
 * before it. It has no place in the source where a line event fires, as then
 * other tracers see the same events as without it; elsewhere it has the place
 * of the instruction behind it.
 */
#ifndef XT_REWRITE_H
#define XT_REWRITE_H

#include "plan.h"

#define XT_REWRITE_INSERTED (UINT32_C(1) << 31)

/* Scratch memory and the result, used again and again. Zero is valid. */
typedef struct {
    xt_buf code;                  /* co_code */
    xt_buf exceptions;            /* co_exceptiontable */
    xt_location_writer locations; /* co_linetable */
    /* For each new code unit, the old one that it stands for: a probe stands
       for the instruction behind it, a trampoline for its target; these have
       the bit XT_REWRITE_INSERTED. */
    uint32_t *old_unit; /* owned */
    size_t units;
    size_t old_unit_cap;

    bool *has_probes; /* owned: per instruction; only then it has chains */
    size_t has_probes_cap;
    bool has_trampolines;
    uint32_t *first_of; /* owned: per instruction, its first probes' chains */
    size_t first_of_cap;
    uint32_t *next; /* owned: per probe, the next at the same place */
    size_t next_cap;
    uint32_t *chain_units; /* owned: code units of each chain in first_of */
    size_t chain_units_cap;
    uint32_t pending_place; /* code units that are not in the location table
                               yet, and their place: XT_NONE for none */
    size_t pending_units;
    uint32_t *label; /* owned: new code unit per instruction (and the end) */
    size_t label_cap;
    uint32_t *width; /* owned: code units per instruction */
    size_t width_cap;
    uint32_t landing; /* code unit of the landing */
    uint32_t *detour; /* owned: per instruction, its trampoline's code unit */
    size_t detour_cap;
} xt_rewrite;

void xt_rewrite_fini(xt_rewrite *rewrite);

/* Writes the instructions of `view` with `probes` in place of the previous
   result. Counter k is constant first_const + k; `landing` is the
   instruction behind which the landing leads (the first RESUME).
   XT_UNSUPPORTED when the code gets too large; XT_NOMEM. */
xt_status xt_rewrite_build(xt_rewrite *rewrite, const xt_instrs *instrs,
                           const xt_code_view *view, const xt_probe *probes,
                           size_t probes_len, uint32_t first_const,
                           uint32_t landing);

#endif
