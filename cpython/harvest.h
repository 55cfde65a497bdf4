// SPDX-License-Identifier: Apache-2.0
/* From the probes' slots to the lines, branches and calls of a tracer.
 *
 * The slots count from the first use of a code object on. A tracer keeps, per
 * code object, what it has taken over already (seen.h), and takes the
 * difference: so counts can be read at any time, and tracers that begin and
 * end at different times share the probes. What follows from slots is sums of
 * them, so it is the difference that is solved.
 */
#ifndef XT_HARVEST_H
#define XT_HARVEST_H

#include "engine.h"

/* Adds what was counted since the last harvest to the tracer's files,
   branches and calls. -1 with an exception; what was not added then is added
   by the next one. */
int harvest(EngineObject *engine, TracerObject *tracer);

/* The same for lines alone; branches and calls stay for the next harvest. */
int harvest_lines(EngineObject *engine, TracerObject *tracer);

/* Brings in for all tracers what was counted of code that runs nowhere and
   never will again. -1 with an exception. */
int harvest_settle(EngineObject *engine, const code_entry *entry);

/* Forgets what was harvested of code that is about to be freed. */
void harvest_drop(EngineObject *engine, const code_entry *entry);

/* Leaves out all that was counted so far. -1 with an exception. */
int harvest_skip(EngineObject *engine, TracerObject *tracer);

/* Whether a tracer wants what is counted of a code object. */
bool harvest_wants(const TracerObject *tracer, const code_entry *entry);

/* Frees what is kept between harvests. */
void harvest_forget(TracerObject *tracer);

#endif
