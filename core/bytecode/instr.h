// SPDX-License-Identifier: Apache-2.0
/* A code object as bytes, and its instructions.
 *
 * Workload: every code object that is counted is read once. The arrays grow
 * to the largest one and are used again.
 */
#ifndef XT_INSTR_H
#define XT_INSTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "exctable.h"
#include "location.h"
#include "opcodes.h"
#include "status.h"

#define XT_NONE UINT32_MAX

/* Borrowed bytes of one code object, as CPython 3.12 and later keep them:
   co_code (without specialisation), co_linetable, co_exceptiontable. */
typedef struct {
    const xt_opcodes *ops;
    const unsigned char *code;
    size_t code_len; /* in bytes; even */
    const unsigned char *locations;
    size_t locations_len;
    const unsigned char *exceptions;
    size_t exceptions_len;
    int first_line; /* co_firstlineno */
} xt_code_view;

/* One instruction: EXTENDED_ARGs, the opcode and its inline caches. In one
   that was not read from a code object, but is a copy (unroll.h), `start` and
   `end` are numbers that no code unit of that has. */
typedef struct {
    uint32_t start; /* first code unit */
    uint32_t end;   /* just behind the last */
    uint32_t oparg;
    uint32_t target; /* the instruction jumped to, or XT_NONE */
    uint32_t place;  /* in `places` */
    int32_t line;    /* -1: none */
    uint8_t op;
    uint8_t kind;     /* xt_opcode_kind */
    uint8_t extended; /* EXTENDED_ARGs in front of the opcode */
    bool added;       /* it only leads from or to a copy (unroll.h), or stands
                         in front of one */
    uint16_t recall;  /* of a conditional jump: what its inline cache holds
                         (recall.h) */
} xt_instr;

/* What a constant is that an instruction loads or returns. */
typedef enum {
    XT_CONSTANT_NONE_SUCH,
    XT_CONSTANT_LISTED, /* number oparg of co_consts */
    XT_CONSTANT_INT,    /* oparg itself */
    XT_CONSTANT_NONE,
    XT_CONSTANT_TRUE,
    XT_CONSTANT_FALSE,
} xt_constant;

xt_constant xt_constant_of(const xt_opcodes *ops, const xt_instr *instr);

/* Zero is a valid empty list. */
typedef struct {
    const xt_opcodes *ops; /* of the view that was read */
    xt_instr *items;       /* owned */
    size_t len;
    size_t cap;
    uint32_t *at_unit; /* owned: the instruction that each code unit is of */
    size_t units;
    size_t units_cap;
    uint32_t *jumps; /* owned: the instructions that have a target, in order */
    size_t jumps_len;
    size_t jumps_cap;
    xt_location_entry *places; /* owned: those of the location table */
    size_t places_len;
    size_t places_cap;
    xt_exctable handlers; /* targets and ends still in code units */
    /* All of the above but `ops` and `places` may have grown since they were
       read from the code, which had: */
    size_t read_len;
    size_t read_units;
    uint32_t *origins; /* owned: of each instruction more, the one that it
                          stands for */
    size_t origins_cap;
} xt_instrs;

void xt_instrs_fini(xt_instrs *instrs);

/* Reads all of `view` in place of what `instrs` held; the places go on to
   borrow from the view's location table. XT_UNSUPPORTED for an opcode that
   this version's table does not know, and for a jump back by no distance,
   which would lead ahead once something is put between; XT_CORRUPT for a jump
   or a handler into the midst of an instruction, tables that do not fit the
   code, or no code at all; XT_NOMEM. */
xt_status xt_instrs_read(xt_instrs *instrs, const xt_code_view *view);

/* The instruction of the code object that one stands for: mostly itself. */
static inline uint32_t
xt_instrs_origin(const xt_instrs *instrs, uint32_t at)
{
    return at < instrs->read_len ? at : instrs->origins[at - instrs->read_len];
}

/* The place of an instruction in the source. */
static inline xt_location
xt_instrs_place(const xt_instrs *instrs, uint32_t at)
{
    return xt_location_of(&instrs->places[instrs->items[at].place]);
}

/* The range of the exception table that the instruction at `at` is in,
   borrowed; or NULL. */
const xt_exctable_range *xt_instrs_find_range(const xt_instrs *instrs,
                                              uint32_t at);

/* The instruction that handles what the one at `at` raises, or XT_NONE. */
uint32_t xt_instrs_find_handler(const xt_instrs *instrs, uint32_t at);

/* How many code units an instruction needs with this argument. */
static inline uint32_t
xt_instr_units(const xt_opcodes *ops, uint8_t op, uint32_t oparg)
{
    uint32_t extended = oparg > 0xffffff ? 3U
                        : oparg > 0xffff ? 2U
                        : oparg > 0xff   ? 1U
                                         : 0U;
    return extended + 1 + ops->traits[op].caches;
}

/* Writes an instruction with empty caches in `units` code units; it is padded
   in front when it could do with less. The room must have been reserved. */
void xt_instr_write(xt_buf *out, const xt_opcodes *ops, uint8_t op,
                    uint32_t oparg, uint32_t units);

#endif
