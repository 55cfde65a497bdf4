// SPDX-License-Identifier: Apache-2.0
/* The control-flow graph of a code object: which instruction may follow
 * which, and which line event each step fires.
 *
 * A node is an instruction; one more node, `outside`, stands for whoever
 * calls the function, resumes it and gets its results. Every run of a frame,
 * from a call or resumption to the next suspension or return, is a closed walk
 * through `outside`; so what goes into a node comes out of it again, but for
 * exceptions (see solve.h). An edge fires a line event when its end starts
 * a line and the line differs from that of its beginning, as
 * Python/instrumentation.c and Python/legacy_tracing.c of CPython 3.12 to 3.15
 * have it (docs/probes.md).
 */
#ifndef XT_GRAPH_H
#define XT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instr.h"
#include "status.h"

typedef enum {
    XT_EDGE_FALL,    /* to the next instruction */
    XT_EDGE_JUMP,    /* an unconditional jump */
    XT_EDGE_TAKEN,   /* a conditional one that is taken */
    XT_EDGE_ENTER,   /* from outside */
    XT_EDGE_LEAVE,   /* to outside */
    XT_EDGE_RERAISE, /* to a handler, or to outside */
} xt_edge_kind;

typedef struct {
    uint32_t from; /* an instruction, or graph->outside */
    uint32_t to;   /* the same */
    int32_t line;  /* of the line event that it fires, or -1 */
    float weight;  /* how often it is likely to run */
    uint8_t kind;  /* xt_edge_kind */
    bool wanted;   /* its count is asked for, be there an event or not */
} xt_edge;

/* What is known of an instruction. What an instruction and the next one are
   joined by takes no edge, so there are far fewer edges than instructions. */
enum {
    XT_STARTS_LINE = 1,   /* may fire a line event */
    XT_IS_HANDLER = 2,    /* exceptions lead here */
    XT_IS_LOOP_HEAD = 4,  /* a loop goes back here */
    XT_ALWAYS_RAISES = 8, /* every way from here ends in an exception */
    XT_SURE_LINE = 16,    /* fires its event wherever control comes from */
    XT_IS_JOINED = 32,    /* the one before goes on here, and fires nothing:
                             there is no edge for that */
    XT_ALWAYS_LEAVES = 64 /* no way from here goes round a loop */
};

/* Zero is a valid empty graph. */
typedef struct {
    xt_edge *edges; /* owned */
    size_t len;
    size_t cap;
    uint8_t *flags;       /* owned: per instruction */
    uint32_t *in_degree;  /* owned: per instruction; of exceptions, those that
                             RERAISE raises on */
    uint16_t *loop_depth; /* owned: of the first and the last instruction of
                             each block; of others it is 0 */
    float *weights;       /* owned: of these, too; of others it is nothing */
    size_t flags_cap;
    size_t in_degree_cap;
    size_t loop_depth_cap;
    size_t weights_cap;
    uint32_t *heads;  /* owned: the first instruction of each block, and the
                         end. Control goes straight through a block, but for
                         jumps at its last instruction and exceptions. */
    size_t heads_len; /* without the end */
    size_t heads_cap;
    uint32_t outside;         /* = how many instructions there are */
    uint32_t first_traceable; /* the instruction where events begin */
    float unrolled;           /* what the ways between copies of loops cost, in
                                 plain probes (unroll.h) */
    const char *refusal;      /* static: why the last build was unsupported */
} xt_graph;

void xt_graph_fini(xt_graph *graph);

/* Whether control may go on from an instruction of this kind to the next. */
static inline bool
xt_graph_falls_through(uint8_t kind)
{
    return kind != XT_KIND_RETURN && kind != XT_KIND_RAISE &&
           kind != XT_KIND_RERAISE && kind != XT_KIND_JUMP &&
           kind != XT_KIND_SILENT_JUMP;
}

/* Finds the blocks of a graph whose joints, handlers and degrees stand. */
void xt_graph_find_blocks(xt_graph *graph);

/* Builds the graph of a view's instructions in place of what was there. With
   `branches`, the sides of branches and the way in are wanted for themselves.
   XT_UNSUPPORTED when the line events cannot be told from the code alone:
   `refusal` says why. XT_CORRUPT when control runs over the end of the code.
   XT_NOMEM. */
xt_status xt_graph_build(xt_graph *graph, const xt_instrs *instrs,
                         const xt_code_view *view, bool branches);

#endif
