// SPDX-License-Identifier: Apache-2.0
/* Which steps from instruction to instruction fire a line event: the rules
 * of sys.settrace() in CPython 3.12 to 3.15 (Python/instrumentation.c,
 * Python/legacy_tracing.c), told in docs/probes.md.
 */
#ifndef XT_LINES_H
#define XT_LINES_H

#include "graph.h"

/* Whether an instruction never starts a line for the scan through the code. */
static inline bool
xt_lines_are_passed_over(uint8_t kind)
{
    return kind == XT_KIND_RESUME || kind == XT_KIND_END_FOR ||
           kind == XT_KIND_END_SEND || kind == XT_KIND_END_ASYNC_FOR ||
           kind == XT_KIND_POP_ITER;
}

/* Whether a line that starts at a code unit is an event even after the same
   one. 3.13 keeps lines as small distances from a guess. Where that is too far
   for eight bits, it remembers instead that the line differs from the one
   before in the code, and forgets that at targets of jumps, but not at
   handlers. */
static inline bool
xt_lines_are_sure(const xt_code_view *view, uint32_t unit, int32_t line)
{
    enum { UNITS_PER_LINE = 16, TOO_LOW = -126 };
    int64_t guess = (int64_t)view->first_line + unit / UNITS_PER_LINE;
    int64_t distance = line - guess;
    return view->ops->minor == 13 &&
           (distance > INT8_MAX || distance <= TOO_LOW);
}

/* Sets XT_STARTS_LINE, XT_SURE_LINE and first_traceable of a graph whose
   handlers stand. XT_UNSUPPORTED, with graph->refusal, when no event ever
   fires. */
xt_status xt_lines_mark(xt_graph *graph, const xt_instrs *instrs,
                        const xt_code_view *view);

/* After that, sets the `line` of each edge. XT_UNSUPPORTED, with
   graph->refusal, when an event depends on what only a run can show. */
xt_status xt_lines_find(xt_graph *graph, const xt_instrs *instrs,
                        const xt_code_view *view);

/* Whether control that comes to an instruction of a line fires its event, from
   one of another line or, if `anyway`, whatever that is. */
static inline bool
xt_lines_fire(bool starts, bool sure, int32_t line, int32_t from_line,
              bool anyway)
{
    return starts && (sure || anyway || line != from_line);
}

#endif
