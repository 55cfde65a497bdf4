// SPDX-License-Identifier: Apache-2.0
/* Branches, handlers and calls of code that is counted by events: what probes
 * tell of other code (outcomes.h). Counted per tracer and code object, and put
 * into the tracer's two dicts when counts are read.
 */
#ifndef XT_SIDES_H
#define XT_SIDES_H

#include "engine.h"

/* What a tracer has of one code object, by instruction. */
typedef struct {
    xt_instrs instrs;
    bool kept;         /* the counters are in a journal */
    uint64_t *started; /* owned, with the three below */
    uint64_t *taken;
    uint64_t *fell;    /* to the next instruction */
    uint64_t *handled; /* how often an exception led here */
} side_counts;

/* A frame of the code begins. All return -1 with an exception. */
int sides_started(EngineObject *engine, code_entry *entry);

/* Control went from one code unit to another, by a branch. */
int sides_branched(EngineObject *engine, code_entry *entry, Py_ssize_t from,
                   Py_ssize_t to);

/* An exception comes to the handler at a code unit. */
int sides_handled(EngineObject *engine, code_entry *entry, Py_ssize_t unit,
                  PyObject *exception);

/* Whether there are sides in the code that no event tells of but INSTRUCTION:
   before 3.14, another item of an `async for`. And such an event came. */
bool sides_has_steps(PyCodeObject *code);
int sides_stepped(EngineObject *engine, code_entry *entry, Py_ssize_t unit);

/* Brings in what a tracer has of one code object; and of all. */
int sides_settle(TracerObject *tracer, const code_entry *entry);
int sides_harvest(TracerObject *tracer);

/* Takes the counters out of the journal, which comes to its end. */
void sides_leave_file(TracerObject *tracer);

/* Frees what was not brought in. */
void sides_forget(TracerObject *tracer);

#endif
