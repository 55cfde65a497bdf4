// SPDX-License-Identifier: Apache-2.0
/* Branches and calls: what a tally says of them, in the tracer's two dicts.
 *
 * branches: {(file name, (line, end line, column, end column), kind):
 * {outcome: hits}}, as told in exactrace/results.py; calls: {(file name, first
 * line, qualified name): hits}.
 */
#ifndef XT_OUTCOMES_H
#define XT_OUTCOMES_H

#include "registry.h"
#include "session.h"
#include "sides.h"

/* What was counted of a rewritten code object; borrowed. */
typedef struct {
    const int64_t *classes;
    const int64_t *handled; /* per instruction, exceptions that led there;
                               NULL: there were none */
} outcome_counts;

/* Adds it. -1 with an exception. */
int outcomes_add(TracerObject *tracer, const code_entry *entry,
                 outcome_counts counts);

/* The same for code that is counted by events. */
int outcomes_add_events(TracerObject *tracer, PyCodeObject *code,
                        const side_counts *counts);

/* Reads a code object's instructions; none where this version's bytecode is
   not known. -1 with an exception. */
int outcomes_read(PyCodeObject *code, xt_instrs *instrs);

/* Functions of the module. */
extern PyMethodDef outcomes_methods[];

#endif
