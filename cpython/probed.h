// SPDX-License-Identifier: Apache-2.0
/* A code object with probes, and what is needed to read them.
 *
 * The rewritten code object holds, behind its own constants, its Counters
 * and, last of all, its ProbedCode: by this it is known, and so is every copy
 * that a program makes of it. Each Counter adds to one slot.
 */
#ifndef XT_PROBED_H
#define XT_PROBED_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "counter.h"
#include "depth.h"
#include "holders.h"
#include "instr.h"
#include "plan.h"
#include "unitmap.h"
#include "unroll.h"

/* What is kept of an instruction of the original code. */
typedef struct {
    int32_t line;     /* -1: none */
    uint32_t handler; /* the instruction that its exceptions go to, XT_NONE */
    uint32_t opcode;  /* code unit of the opcode, behind its EXTENDED_ARGs */
    uint8_t kind;     /* xt_opcode_kind */
    bool starts_line;
    bool sure_line;     /* XT_SURE_LINE */
    bool gets_reraised; /* a handler that exceptions are raised on to */
} probed_point;

/* Exceptions, per instruction. */
typedef struct {
    uint64_t *left;    /* how often control left in its midst */
    uint64_t *handled; /* how often an exception, or a debugger, led here */
    uint64_t *fired;   /* and how often that was a line event */
} probed_breaks;

typedef struct probed_code {
    PyObject_HEAD
    PyCodeObject *original; /* owned */
    /* Called with `owner` (borrowed) before this is freed, or NULL. */
    void (*let_go)(void *owner, struct probed_code *self);
    void *owner;
    xt_plan plan;
    uint64_t *slots; /* owned: plan.slots counters; or in a journal */
    struct probed_types *types; /* borrowed: lives as long as the interpreter
                                 */
    PyObject **counters;        /* owned array of immortals */
    uint32_t counters_len;      /* fewer than planned if making them failed */
    uint16_t *recalls; /* owned: what the jumps remembered when this was
                          planned (recall.h), or NULL */
    xt_unitmap map;
    uint32_t landing;    /* the new code unit where started frames go on */
    uint32_t points_len; /* instructions of the original, and of copies */
    bool branches;       /* and are counted */
    xt_unroll_loops unrolled; /* which loops are written several times */
    probed_breaks breaks;     /* owned; all NULL until the first exception */
    struct code_exit *exits;  /* owned, kept by exits.c; or NULL */
    uint64_t broken_time;     /* of the last change there, or 0 */
    struct probed_code *broken_before; /* borrowed: whose is later, */
    struct probed_code *broken_next;   /* and whose is earlier; or NULL */
    /* Owned; all NULL as long as those are, as is what the plan knows of
       nodes: */
    probed_point *points;
    uint32_t *old_unit; /* what the map says of each new unit, */
    uint32_t *point_at; /* and of each old one */
    bool reraises_out;  /* exceptions are raised on out of the frame */

    /* Kept by keptcode.c. */
    struct kept_file
        *kept;        /* borrowed: the journal where the slots are, or NULL */
    uint64_t record;  /* its place there */
    bool breaks_kept; /* the breaks are there, too */
    struct probed_code *kept_before; /* borrowed: others in it */
    struct probed_code *kept_next;
} ProbedCodeObject;

/* Scratch memory for the analysis, used again and again. Zero is valid. */
typedef struct {
    xt_buf bytecode;
    xt_instrs instrs;
    xt_graph graph;
    xt_planner planner;
    xt_depth depth;
    xt_rewrite rewrite;
    const ProbedCodeObject *analysed; /* borrowed: whose `instrs` and `graph`
                                         they are, or NULL */
} probed_scratch;

void probed_scratch_fini(probed_scratch *scratch);

/* The types, made once per module. */
typedef struct probed_types {
    PyTypeObject *code; /* owned: ProbedCode */
    counter_pool pool;
    code_holders holders;
    probed_scratch scratch;
    uint64_t moves;           /* how often slots were moved of code that may
                                 have counted, */
    uint64_t broken_times;    /* and how often breaks have changed; those that
                                 count frames for the moment do not matter */
    ProbedCodeObject *broken; /* borrowed: where they have changed last */
    bool watched;             /* other tools look on */
} probed_types;

int probed_types_init(probed_types *types, PyObject *module);

/* A code object as the core reads it, with the bytes of its co_code, or of
   what runs in its place; all is borrowed. */
xt_code_view probed_view(PyCodeObject *code, const void *bytecode);

/* Rewrites `original`: a new ProbedCode, and in *code the new code object.
   `consts` is the tuple to use in place of its constants; `copies` are the
   loops that may be written several times. NULL with *refusal set (static) and
   no exception when this code has to be counted otherwise, NULL with an
   exception on other failures. */
ProbedCodeObject *probed_new(probed_types *types, PyCodeObject *original,
                             PyObject *consts, bool branches,
                             xt_unroll_loops copies, PyCodeObject **code,
                             const char **refusal);

/* The ProbedCode of a rewritten code object, borrowed; else NULL. */
static inline ProbedCodeObject *
probed_get(const probed_types *types, PyCodeObject *code)
{
    PyObject *consts = code->co_consts;
    Py_ssize_t len = PyTuple_GET_SIZE(consts);
    if (len == 0) {
        return NULL;
    }
    PyObject *last = PyTuple_GET_ITEM(consts, len - 1);
    return Py_IS_TYPE(last, types->code) ? (ProbedCodeObject *)last : NULL;
}

/* The same whose types they are; for those who have none at hand. */
ProbedCodeObject *probed_find(PyCodeObject *code);

/* The code unit of the original, or of a copy of what is there (unroll.h), for
   one of the rewritten code, which must be. */
static inline uint32_t
probed_place(const ProbedCodeObject *probed, Py_ssize_t unit)
{
    uint32_t old = probed->points != NULL
                       ? probed->old_unit[unit]
                       : xt_unitmap_find(&probed->map, (uint32_t)unit);
    return old & ~XT_REWRITE_INSERTED;
}

/* The original's code unit for one of the rewritten code, which must be. */
static inline uint32_t
probed_old_unit(const ProbedCodeObject *probed, Py_ssize_t unit)
{
    return xt_unitmap_origin(&probed->map, probed_place(probed, unit));
}

/* The point for an offset (in code units) into the rewritten code, or XT_NONE
   if there can be none: a program may put other code around our constants. */
static inline uint32_t
probed_point_at(const ProbedCodeObject *probed, Py_ssize_t offset)
{
    if (offset < 0 || offset >= (Py_ssize_t)probed->map.units) {
        return XT_NONE;
    }
    uint32_t old = probed_place(probed, offset);
    return probed->points != NULL ? probed->point_at[old]
                                  : xt_unitmap_instr(&probed->map, old);
}

/* Has the counters add to other slots, which have the same counts. */
void probed_move_slots(ProbedCodeObject *probed, uint64_t *slots);

/* Says that breaks have changed. */
void probed_note_broken(ProbedCodeObject *probed);

/* Makes room for exceptions. -1 (without an exception) if out of memory. */
int probed_need_breaks(ProbedCodeObject *probed);

/* Notes that a frame of the original code goes on in the rewritten one, where
   it has left the branch that has the original's code unit `branch`. There
   must be room for exceptions. */
void probed_note_joined(ProbedCodeObject *probed, uint32_t branch);

/* Notes that a frame which stood at one instruction of the original has been
   put at another. -1 (without an exception) if out of memory. */
int probed_note_jump(ProbedCodeObject *probed, uint32_t from, uint32_t to);

#endif
