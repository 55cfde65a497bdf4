// SPDX-License-Identifier: Apache-2.0
/* What code without loops has done, as the interpreter remembers it.
 *
 * From CPython 3.13 on, the inline cache of a conditional jump holds its last
 * outcomes: for each time that it runs, a bit is shifted in from below, which
 * is set if it jumps (Python/bytecodes.c: POP_JUMP_IF_FALSE and the others).
 * The interpreter starts with an arbitrary pattern. If it is 1 instead, the
 * highest bit that is set tells how often the jump has run since, up to 15
 * times, and the bits below it how often it went which way. Together with how
 * often the code was called, and where exceptions interrupted it, all of its
 * line events follow, without a probe and without an event.
 *
 * Workload: functions that are called a few times only, as most are.
 */
#ifndef XT_HISTORY_H
#define XT_HISTORY_H

#include "segments.h"

/* Nothing is forgotten of so many calls. */
enum { XT_HISTORY_CALLS = 15 };

/* Has all conditional jumps remember what they do from now on. `code` is what
   the interpreter runs: one item for each code unit. */
void xt_history_begin(const xt_segment *segments, size_t len, uint16_t *code);

/* The next ones add to hits[i] how often segment i was come to with a line
   event.

   Calls: what they run up to where the code forks. */
void xt_history_add_calls(const xt_segment *segments, uint32_t resume,
                          int64_t calls, int64_t *hits);

/* All that the jumps remember. */
void xt_history_add_turns(const xt_segment *segments, size_t len,
                          const uint16_t *code, int64_t *hits);

/* What a frame runs that goes on from code unit `stands` to where the code
   forks next; so many times, which is -1 for one that does not. */
void xt_history_add_rest(const xt_segment *segments, size_t len,
                         uint32_t stands, int64_t times, int64_t *hits);

/* An exception that has taken control from one code unit to a handler at
   another. Nothing, if there is none. */
void xt_history_add_handled(const xt_segment *segments, size_t len,
                            uint32_t stands, uint32_t handler, int64_t *hits);

#endif
