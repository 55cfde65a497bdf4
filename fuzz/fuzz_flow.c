// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a code object: it is refused, or rewritten to one that can be
   read again; as one that runs it is refused, or has an end. */
#include <stdint.h>
#include <stdlib.h>

#include "onward.h"
#include "rewrite.h"
#include "running.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
rewrite(const xt_code_view *view, bool branches)
{
    xt_instrs instrs = {0};
    xt_graph graph = {0};
    xt_planner planner = {0};
    xt_plan plan = {0};
    xt_rewrite out = {0};
    if (xt_instrs_read(&instrs, view) == XT_OK &&
        xt_graph_build(&graph, &instrs, view, branches) == XT_OK &&
        xt_plan_build(&plan, &planner, &graph, &instrs) == XT_OK &&
        xt_rewrite_build(&out, &instrs, view, planner.probes,
                         planner.probes_len, 3,
                         graph.first_traceable) == XT_OK) {
        const xt_code_view again = {
            .ops = view->ops,
            .code = (const unsigned char *)out.code.bytes,
            .code_len = out.code.len,
            .locations = (const unsigned char *)out.locations.table.bytes,
            .locations_len = out.locations.table.len,
            .exceptions = (const unsigned char *)out.exceptions.bytes,
            .exceptions_len = out.exceptions.len,
            .first_line = view->first_line,
        };
        if (xt_instrs_read(&instrs, &again) != XT_OK) {
            abort();
        }
    }
    xt_instrs_fini(&instrs);
    xt_graph_fini(&graph);
    xt_planner_fini(&planner);
    xt_plan_fini(&plan);
    xt_rewrite_fini(&out);
}

/* Takes every branch, or none. */
static void
go_onward(const xt_code_view *view, bool branches, bool taken)
{
    xt_buf bytecode = {0};
    (void)xt_running_read(&bytecode, view->ops, view->code, view->code_len);
    xt_buf_fini(&bytecode);
    xt_onward way;
    xt_onward_steps steps = {0};
    xt_status status = xt_onward_start(&way, &steps, view, branches);
    while (status == XT_OK && way.taken != XT_NONE) {
        uint32_t before = way.unit;
        if (!xt_onward_turn(&way, taken ? way.taken : before) ||
            way.unit < before) {
            abort();
        }
        status = xt_onward_read(&way, &steps);
    }
    xt_onward_fini(&steps);
}

/* [version and branches 1] [bytes of locations 1] [of exceptions 1] ... */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3) {
        return 0;
    }
    size_t locations = data[1];
    size_t exceptions = data[2];
    if (locations + exceptions > len - 3) {
        return 0;
    }
    size_t code = (len - 3 - locations - exceptions) / 2 * 2;
    const xt_code_view view = {
        .ops = xt_opcodes_for(12 + data[0] % 4),
        .code = data + 3 + locations + exceptions,
        .code_len = code,
        .locations = data + 3,
        .locations_len = locations,
        .exceptions = data + 3 + locations,
        .exceptions_len = exceptions,
        .first_line = 1,
    };
    rewrite(&view, (data[0] & 4) != 0);
    go_onward(&view, (data[0] & 4) != 0, false);
    go_onward(&view, (data[0] & 4) != 0, true);
    return 0;
}
