// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a code object: it is refused, or rewritten to one that can be
   read again; as one that runs it is refused, or has an end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "rewrite.h"
#include "route.h"
#include "running.h"
#include "straight.h"
#include "unroll.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
rewrite(const xt_code_view *view, bool branches, xt_unroll_loops unroll)
{
    xt_instrs instrs = {0};
    xt_graph graph = {0};
    xt_planner planner = {0};
    xt_plan plan = {0};
    xt_rewrite out = {0};
    if (xt_instrs_read(&instrs, view) == XT_OK &&
        xt_graph_build(&graph, &instrs, view, branches) == XT_OK &&
        xt_unroll(&graph, &instrs, unroll) == XT_OK &&
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

/* Goes through code as events would tell: at each fork to the one side or to
   the other, and then to a handler if there is one. */
static void
go_through(const xt_segments *segments, bool taken)
{
    enum { TURNS_MOST = 100 };
    xt_route route = xt_route_begin(segments);
    xt_route_steps steps = {0};
    for (int turn = 0; turn < TURNS_MOST; turn++) {
        if (!xt_route_events(&route, &steps) || steps.len > segments->len) {
            abort();
        }
        const xt_segment *last = &segments->items[route.last];
        if (xt_route_done(&route, last->unit) > steps.len) {
            abort();
        }
        if (xt_route_forks(&route)) {
            uint32_t to =
                taken ? segments->items[last->target].unit : last[1].unit;
            if (!xt_route_turn(&route, last->unit, to)) {
                abort();
            }
        }
        else if (segments->handlers.len == 0 ||
                 !xt_route_handle(&route, last->unit,
                                  segments->handlers.ranges[0].target)) {
            break;
        }
    }
    xt_route_steps_fini(&steps);
}

/* Asks for what its jumps remember, whatever that is. */
static void
remember(const xt_code_view *view, const xt_segments *segments)
{
    const xt_segment *items = segments->items;
    uint16_t *code = malloc(view->code_len);
    int64_t *hits = calloc(segments->len, sizeof(*hits));
    if (code == NULL || hits == NULL) {
        abort();
    }
    memcpy(code, view->code, view->code_len);
    xt_history_add_turns(items, segments->len, code, hits);
    xt_history_begin(items, segments->len, code);
    xt_history_add_turns(items, segments->len, code, hits);
    xt_history_add_calls(items, segments->resume, 2, hits);
    for (uint32_t unit = 0; unit < segments->units; unit++) {
        xt_history_add_rest(items, segments->len, unit, 1, hits);
        xt_history_add_handled(items, segments->len, 0, unit, hits);
    }
    for (size_t i = 0; i < segments->len; i++) {
        if (hits[i] != 0 && items[i].line < 0) {
            abort();
        }
    }
    free(code);
    free(hits);
}

/* Reads code as it might stand while it runs. */
static void
read_running(const xt_code_view *view)
{
    xt_buf bytecode = {0};
    (void)xt_running_read(&bytecode, view->ops, view->code, view->code_len);
    xt_buf_fini(&bytecode);
    uint32_t start;
    if (xt_straight_is(view, &start)) {
        xt_straight way = xt_straight_begin(
            view->locations, view->locations_len, view->first_line, start);
        while (xt_straight_next(&way)) {
            if (way.line < 0 || way.unit < start) {
                abort();
            }
        }
    }
    xt_segments segments = {0};
    if (xt_segments_read(&segments, view, XT_TOLD_BY_EVENTS) == XT_OK) {
        go_through(&segments, false);
        go_through(&segments, true);
    }
    if (xt_segments_read(&segments, view, XT_TOLD_BY_HISTORY) == XT_OK) {
        remember(view, &segments);
    }
    xt_segments_fini(&segments);
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
    static const xt_unroll_loops loops[] = {XT_UNROLL_NONE, XT_UNROLL_ALL,
                                            XT_UNROLL_NONE, XT_UNROLL_NESTED};
    rewrite(&view, (data[0] & 4) != 0, loops[data[0] >> 3 & 3]);
    read_running(&view);
    return 0;
}
