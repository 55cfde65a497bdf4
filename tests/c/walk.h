// SPDX-License-Identifier: Apache-2.0
/* A little interpreter of control flow, over plain bytes.
 *
 * It knows nothing of core/flow: it decodes one instruction after the other
 * and looks handlers up in the exception table by itself. Where the program
 * decides, chance does. It runs the original and the rewritten code side by
 * side: both must come to the same instructions, whatever happens. On the way
 * it counts every step of the original the dumb way, and each probe that is
 * run in the rewritten code.
 */
#ifndef XT_TESTS_WALK_H
#define XT_TESTS_WALK_H

#include "analysis.h"

/* All arrays have one number per instruction, but `slots`: `left` and
   `handled` of the original and of copies, the others of the original only. */
typedef struct {
    uint64_t *fell;    /* steps to the next instruction */
    uint64_t *jumped;  /* steps to the target */
    uint64_t *entered; /* steps from outside */
    uint64_t *went;    /* steps to outside */
    uint64_t *left;
    uint64_t *handled;
    uint64_t *slots; /* per counter */
    uint64_t *all;   /* owned: holds all of them */
    uint64_t steps;
} walk_counts;

walk_counts walk_counts_new(const analysis *of);
void walk_counts_free(walk_counts *counts);

/* Calls the function once; it may come to an end, or be left anywhere. */
void walk_once(const analysis *of, const xt_code_view *view,
               walk_counts *counts, uint32_t *seed);

/* How often an edge of the graph was gone. */
uint64_t walk_count_of(const walk_counts *counts, const xt_edge *edge);

/* --- Parts, for other tests ---------------------------------------------- */

typedef struct {
    uint32_t start;
    uint32_t opcode; /* code unit of the opcode itself */
    uint32_t end;
    uint32_t oparg;
    uint8_t op;
    uint8_t kind; /* XT_KIND_PLAIN for POP_TOP behind END_FOR, too */
} walk_instr;

/* The instruction at a code unit. */
walk_instr walk_fetch(const xt_code_view *view, uint32_t unit);

/* The code unit that a jump leads to. */
uint32_t walk_target(const xt_code_view *view, const walk_instr *instr);

/* The range that has what is raised at a code unit; false if none has. */
bool walk_find_handler(const xt_code_view *view, uint32_t unit,
                       xt_exctable_range *range);

#endif
