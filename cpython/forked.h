// SPDX-License-Identifier: Apache-2.0
/* What becomes of counts in a forked child. */
#ifndef XT_FORKED_H
#define XT_FORKED_H

#include "engine.h"

/* From now on (NULL: no more), the frames of threads that a fork leaves behind
   are noted in the child as interrupted: they never go on there. */
void forked_watch(EngineObject *engine);

#endif
