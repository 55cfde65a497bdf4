// SPDX-License-Identifier: Apache-2.0
#include "lines.h"

enum {
    MINOR_312 = 12,
    MINOR_315 = 15,
    RESUME_AT_GENEXPR_START = 4, /* 3.15: a RESUME before the generator is */
    RESUME_WHERE = 7             /* the bits of oparg that say so */
};

static uint32_t
find_first_traceable(const xt_instrs *instrs, const xt_opcodes *ops)
{
    for (uint32_t i = 0; i < instrs->len; i++) {
        const xt_instr *instr = &instrs->items[i];
        if (instr->kind == XT_KIND_RESUME &&
            !(ops->minor >= MINOR_315 &&
              (instr->oparg & RESUME_WHERE) == RESUME_AT_GENEXPR_START)) {
            return i;
        }
    }
    return XT_NONE;
}

static void
start_line(xt_graph *graph, const xt_instrs *instrs, uint32_t at)
{
    if (instrs->items[at].line >= 0) {
        graph->flags[at] |= XT_STARTS_LINE;
    }
}

static void
scan(xt_graph *graph, const xt_instrs *instrs, const xt_code_view *view)
{
    int32_t current = -1;
    for (uint32_t i = graph->first_traceable; i < instrs->len; i++) {
        const xt_instr *instr = &instrs->items[i];
        if (instr->line == current || xt_lines_are_passed_over(instr->kind)) {
            continue;
        }
        start_line(graph, instrs, i);
        if (xt_lines_are_sure(view, instr->start, instr->line)) {
            graph->flags[i] |= XT_SURE_LINE;
        }
        current = instr->line;
    }
}

static void
mark_targets(xt_graph *graph, const xt_instrs *instrs)
{
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        const xt_instr *instr = &instrs->items[instrs->jumps[i]];
        uint32_t target = instr->target;
        if (instrs->jumps[i] < graph->first_traceable ||
            instr->kind == XT_KIND_END_ASYNC_FOR) {
            continue;
        }
        if (instr->kind == XT_KIND_FOR_ITER || instr->kind == XT_KIND_SEND) {
            target++; /* over the END_FOR or END_SEND there */
        }
        if (target < instrs->len &&
            instrs->items[target].kind != XT_KIND_POP_ITER) {
            start_line(graph, instrs, target);
            graph->flags[target] &= (uint8_t)~XT_SURE_LINE;
        }
    }
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        uint32_t at = instrs->at_unit[instrs->handlers.ranges[i].target];
        if (instrs->items[at].kind != XT_KIND_END_ASYNC_FOR) {
            start_line(graph, instrs, at);
        }
    }
}

static int32_t
line_of_edge(const xt_graph *graph, const xt_instrs *instrs,
             const xt_edge *edge)
{
    if (edge->from == graph->outside || edge->to == graph->outside ||
        edge->from < graph->first_traceable ||
        edge->kind == XT_EDGE_RERAISE) { /* see exits.c */
        return -1;
    }
    const xt_instr *from = &instrs->items[edge->from];
    const xt_instr *to = &instrs->items[edge->to];
    uint8_t flags = graph->flags[edge->to];
    if (xt_lines_fire((flags & XT_STARTS_LINE) != 0,
                      (flags & XT_SURE_LINE) != 0, to->line, from->line,
                      from->kind == XT_KIND_RESUME)) {
        return to->line;
    }
    /* A backward jump within one line is a line event of its own. */
    bool again = from->kind == XT_KIND_JUMP && edge->to <= edge->from &&
                 from->line == to->line;
    return again ? to->line : -1;
}

/* An instruction after which 3.12 forgets the line, if a function in Python
   ran within it: that depends on what is called. */
static bool
may_forget_line(uint8_t kind)
{
    return kind == XT_KIND_CALL || kind == XT_KIND_SEND ||
           kind == XT_KIND_FOR_ITER;
}

static const char *
find_refusal(const xt_graph *graph, const xt_instrs *instrs,
             const xt_opcodes *ops)
{
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->to == graph->outside) {
            continue;
        }
        bool starts = (graph->flags[edge->to] & XT_STARTS_LINE) != 0;
        const xt_instr *to = &instrs->items[edge->to];
        if (edge->from == graph->outside) {
            if (starts && edge->to >= graph->first_traceable) {
                return "a line starts where a generator is resumed";
            }
            continue;
        }
        const xt_instr *from = &instrs->items[edge->from];
        if (ops->minor == MINOR_312 && starts && from->line == to->line &&
            may_forget_line(from->kind)) {
            return "3.12 may report a line again after a call in its midst";
        }
        if (from->kind == XT_KIND_FOR_ITER && edge->kind == XT_EDGE_TAKEN) {
            if (to->kind != XT_KIND_END_FOR) {
                return "a loop without an END_FOR";
            }
            if (from->line != to->line) {
                return "a loop and its end are on different lines";
            }
        }
    }
    return NULL;
}

xt_status
xt_lines_mark(xt_graph *graph, const xt_instrs *instrs,
              const xt_code_view *view)
{
    graph->first_traceable = find_first_traceable(instrs, view->ops);
    if (graph->first_traceable == XT_NONE) {
        graph->refusal = "no RESUME";
        return XT_UNSUPPORTED;
    }
    scan(graph, instrs, view);
    mark_targets(graph, instrs);
    return XT_OK;
}

xt_status
xt_lines_find(xt_graph *graph, const xt_instrs *instrs,
              const xt_code_view *view)
{
    graph->refusal = find_refusal(graph, instrs, view->ops);
    if (graph->refusal != NULL) {
        return XT_UNSUPPORTED;
    }
    for (size_t i = 0; i < graph->len; i++) {
        graph->edges[i].line = line_of_edge(graph, instrs, &graph->edges[i]);
    }
    return XT_OK;
}
