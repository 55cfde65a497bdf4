// SPDX-License-Identifier: Apache-2.0
/* Which steps from instruction to instruction fire a line event: the rules
 * of sys.settrace() in CPython 3.12 to 3.15 (Python/instrumentation.c,
 * Python/legacy_tracing.c), told in docs/probes.md.
 */
#ifndef XT_LINES_H
#define XT_LINES_H

#include "graph.h"

/* Sets XT_STARTS_LINE, XT_SURE_LINE and first_traceable of a graph whose
   handlers stand. XT_UNSUPPORTED, with graph->refusal, when no event ever
   fires. */
xt_status xt_lines_mark(xt_graph *graph, const xt_instrs *instrs,
                        const xt_code_view *view);

/* After that, sets the `line` of each edge. XT_UNSUPPORTED, with
   graph->refusal, when an event depends on what only a run can show. */
xt_status xt_lines_find(xt_graph *graph, const xt_instrs *instrs,
                        const xt_code_view *view);

/* Whether a step onto instruction `to` fires its line's event, when it comes
   from an instruction of line `from_line` (-1: none). */
static inline bool
xt_lines_fires(const xt_graph *graph, const xt_instrs *instrs, uint32_t to,
               int32_t from_line, bool from_resume)
{
    return (graph->flags[to] & XT_STARTS_LINE) != 0 &&
           (from_resume || (graph->flags[to] & XT_SURE_LINE) != 0 ||
            instrs->items[to].line != from_line);
}

#endif
