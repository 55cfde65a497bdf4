// SPDX-License-Identifier: Apache-2.0
/* What conditional jumps remember.
 *
 * From CPython 3.13 on, the inline cache of a conditional jump holds its last
 * outcomes: for each time that it runs, a bit is shifted in from below, which
 * is set if it jumps (Python/bytecodes.c: POP_JUMP_IF_FALSE and the others).
 * Code starts with alternating bits (Python/specialize.c), unless it has been
 * told otherwise (core/flow/history.h). A *recall* is what can be told from
 * that: the outcomes, and above them a bit that is set and tells how many they
 * are, 15 at most; 0 where nothing is known.
 */
#ifndef XT_RECALL_H
#define XT_RECALL_H

#include "instr.h"

enum { XT_RECALL_MAX = 15 };

/* The recall of a cache. In one that may be `marked` it stands as it is, if
   not four bits at least still alternate from above. */
uint16_t xt_recall_of(uint16_t cache, bool marked);

/* How many of the outcomes were jumps; *len is how many there are. */
unsigned xt_recall_jumps(uint16_t recall, unsigned *len);

/* Makes recalls of the caches of all jumps, which must have been read from
   code that runs, and keeps them in *kept: a new array with one for each of
   instrs->jumps, to be freed with xt_free(), or NULL if nothing was
   remembered. XT_NOMEM: nothing is kept, and the jumps have none. */
xt_status xt_recall_keep(xt_instrs *instrs, uint16_t **kept);

/* Has the jumps of the same code, read again, have the recalls that were kept.
 */
void xt_recall_give(xt_instrs *instrs, const uint16_t *kept);

/* Writes them into the bytecode that the instructions were read from. */
void xt_recall_write(const xt_instrs *instrs, char *bytecode);

/* Has the jumps of code that runs, one item for each code unit, begin anew
   with alternating bits: when events of branches are switched on, the
   interpreter puts something else there. Up to an opcode that may stand for
   any. */
void xt_recall_restart(uint16_t *code, size_t units, const xt_opcodes *ops);

#endif
