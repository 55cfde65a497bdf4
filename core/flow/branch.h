// SPDX-License-Identifier: Apache-2.0
/* The branches of code: what is asked where, and which answer is which side.
 */
#ifndef XT_BRANCH_H
#define XT_BRANCH_H

#include "instr.h"

/* What decides, and how a reader of the counts knows it. */
typedef enum {
    XT_BRANCH_BOOL,   /* whether something is true */
    XT_BRANCH_NONE,   /* whether it is None */
    XT_BRANCH_FOR,    /* whether there is another item */
    XT_BRANCH_EXCEPT, /* an exception arrives; there is no other side */
    XT_BRANCH_KINDS,
} xt_branch_kind;

/* "bool", "none", "for", "except". */
extern const char *const xt_branch_names[XT_BRANCH_KINDS];

/* Whether an instruction jumps or goes on, as something is or is not. */
static inline bool
xt_branch_jumps(const xt_instr *instr)
{
    return instr->kind == XT_KIND_BRANCH || instr->kind == XT_KIND_FOR_ITER;
}

/* The END_ASYNC_FOR of the loop whose next item is there once the END_SEND at
   `at` has run. XT_NONE if that ends another await. */
uint32_t xt_branch_async_end(const xt_instrs *instrs, uint32_t at);

/* Whether the way on from here is a side of a branch. Those of an `async for`
   begin at two instructions, neither of which jumps: at END_SEND with another
   item, and at END_ASYNC_FOR, which lets other exceptions than
   StopAsyncIteration by. */
static inline bool
xt_branch_is_at(const xt_instrs *instrs, uint32_t at)
{
    const xt_instr *instr = &instrs->items[at];
    return xt_branch_jumps(instr) || instr->kind == XT_KIND_END_ASYNC_FOR ||
           (instr->kind == XT_KIND_END_SEND &&
            xt_branch_async_end(instrs, at) != XT_NONE);
}

/* Whether events of sys.monitoring tell of such a side. From 3.14 on, there
   are none for another item of an asynchronous comprehension, whose END_SEND
   has no NOT_TAKEN behind it. */
bool xt_branch_has_events(const xt_instrs *instrs, uint32_t at);

/* What such an instruction asks; *answer is the one that makes it jump, or
   would, if it does not. */
xt_branch_kind xt_branch_of(const xt_opcodes *ops, const xt_instr *jump,
                            bool *answer);

/* The place of what decides. Where the value goes on, as in `x = a or b`, that
   is the operand: the jump itself has the place of the whole expression. */
xt_location xt_branch_place(const xt_instrs *instrs, uint32_t at);

/* Whether the way that a jump takes, or does not, answers what is asked at its
   place. In `a < b < c` both comparisons have the place of the whole: if the
   first is true, the second decides. */
bool xt_branch_is_answer(const xt_instrs *instrs, uint32_t at, bool taken);

enum { XT_LEADS_OUT = -1, XT_LEADS_NOWHERE = 0 };

/* The first other line that a side of the branch at an instruction leads to.
   XT_LEADS_OUT where the frame ends before; XT_LEADS_NOWHERE where something
   else is decided on the way, or an exception is raised. */
int32_t xt_branch_leads_to(const xt_instrs *instrs, uint32_t at, bool taken);

/* The place of a handler of exceptions: that of its first instruction which
   has one, as long as control goes straight on. It may have no line. */
xt_location xt_branch_handler_place(const xt_instrs *instrs, uint32_t at);

#endif
