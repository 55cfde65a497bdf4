// SPDX-License-Identifier: Apache-2.0
/* Where an edge can be counted. */
#ifndef XT_PLACEMENT_H
#define XT_PLACEMENT_H

#include "plan.h"

/* Where a probe for one edge goes; `slot` stays unset. Some neighbours must
   not be parted, because the interpreter or tools look for the pair: a
   suspension and its RESUME, SEND and its ends, FOR_ITER and END_FOR,
   a conditional jump and NOT_TAKEN. */
xt_probe xt_placement_find(const xt_graph *graph, const xt_instrs *instrs,
                           const xt_edge *edge);

/* Where a probe can be fused, for all that goes to instruction `to`: into the
   first constant that is loaded from there on, if there is one before anything
   that parts the way. XT_PROBE_NOWHERE if there is none. */
xt_probe xt_placement_find_fused(const xt_graph *graph,
                                 const xt_instrs *instrs, uint32_t to);

/* Whether one probe may stand for everything that goes to an instruction. */
bool xt_placement_may_label(const xt_graph *graph, const xt_instrs *instrs,
                            uint32_t at);

#endif
