// SPDX-License-Identifier: Apache-2.0
/* Counts what frames have had that are followed by events (firstruns.h), for
 * all tracers that want it. Both return -1 with an exception: what was not
 * counted then is left to be.
 */
#ifndef XT_FIRSTCOUNT_H
#define XT_FIRSTCOUNT_H

#include "firstrun.h"

struct EngineObject;

/* What was noted of earlier ways. */
int firstcount_ways(struct EngineObject *engine, first_run *run);

/* That, and the events of its way up to run->until. */
int firstcount_run(struct EngineObject *engine, first_run *run);

#endif
