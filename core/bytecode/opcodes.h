// SPDX-License-Identifier: Apache-2.0
/* What the analysis of control flow has to know of each opcode, per version
 * of CPython. The tables are generated: see tools/gen_opcodes.py. An opcode
 * that is not in a version's table makes a code object unreadable, never a
 * guess.
 */
#ifndef XT_OPCODES_H
#define XT_OPCODES_H

#include <stdbool.h>
#include <stdint.h>

/* How control goes on after an instruction. */
typedef enum {
    XT_KIND_UNKNOWN = 0,
    XT_KIND_PLAIN, /* to the next instruction */
    XT_KIND_CALL,  /* the same; may run Python code on the way */
    XT_KIND_EXTENDED_ARG,
    XT_KIND_RESUME,
    XT_KIND_RETURN,
    XT_KIND_RAISE,
    XT_KIND_RERAISE,     /* to its handler, or out of the frame */
    XT_KIND_SUSPEND,     /* out of the frame, and later to the next */
    XT_KIND_JUMP,        /* always to the target */
    XT_KIND_SILENT_JUMP, /* the same, without a jump event */
    XT_KIND_BRANCH,      /* to the next or to the target */
    XT_KIND_FOR_ITER,    /* the same */
    XT_KIND_SEND,        /* the same */
    XT_KIND_END_FOR,     /* from here on to the next again */
    XT_KIND_END_SEND,
    XT_KIND_END_ASYNC_FOR,
    XT_KIND_POP_ITER,
    XT_KIND_NOT_TAKEN,
    /* A POP_TOP behind END_FOR (3.13): FOR_ITER may skip both. No table has
       it; the decoder sees the pair. */
    XT_KIND_END_FOR_POP,
} xt_opcode_kind;

/* Whether the argument is a distance, counted in code units from the end of
   the instruction with its caches. */
typedef enum { XT_JUMP_NONE = 0, XT_JUMP_AHEAD, XT_JUMP_BACK } xt_opcode_jump;

typedef struct {
    uint8_t kind;   /* xt_opcode_kind */
    uint8_t jump;   /* xt_opcode_jump */
    uint8_t caches; /* code units of inline cache that follow */
} xt_opcode_traits;

typedef struct {
    int minor; /* of the version: 12 for CPython 3.12 */
    uint8_t nop;
    uint8_t extended_arg;
    uint8_t load_const;
    uint8_t unary_negative;
    uint8_t unary_invert;
    uint8_t pop_top;
    uint8_t jump_forward;
    uint8_t jump_backward_no_interrupt;
    uint8_t pop_jump_if_false;
    uint8_t pop_jump_if_true;
    uint8_t pop_jump_if_none;
    uint8_t pop_jump_if_not_none;
    uint8_t compare_op;
    uint8_t yield_value;
    uint8_t make_function;
    uint8_t return_value;
    uint8_t copy;
    uint8_t get_anext;
    uint8_t to_bool;              /* 0: this version has none; 3.13 */
    uint8_t exit_init_check;      /* the same; 3.13 */
    uint8_t return_const;         /* 0: this version has none; 3.12, 3.13 */
    uint8_t load_small_int;       /* the same; 3.14 */
    uint8_t load_common_constant; /* the same; 3.14 */
    uint8_t common_none;          /* which one is None; 0: none is */
    uint8_t common_true;
    uint8_t common_false;
    xt_opcode_traits traits[256];
    uint8_t base[256];  /* of an opcode in code that runs, the one that the
                           compiler wrote: itself, or the one in whose place it
                           stands, specialised or for events; 0: not known */
    uint8_t plain[256]; /* of an opcode in code that runs, the code units that
                           it takes with its caches; 0: not known, or control
                           may go elsewhere than to the next instruction */
} xt_opcodes;

/* Whether an opcode is that of a conditional jump whose inline cache, the last
   of its code units, holds what it did before: from 3.13 on. */
static inline bool
xt_opcode_remembers(const xt_opcodes *ops, uint8_t op)
{
    return ops->traits[op].kind == XT_KIND_BRANCH &&
           ops->traits[op].caches > 0;
}

/* The table of CPython 3.`minor`, or NULL if there is none. Static storage. */
const xt_opcodes *xt_opcodes_for(int minor);

#endif
