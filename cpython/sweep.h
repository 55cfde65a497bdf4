// SPDX-License-Identifier: Apache-2.0
/* Lets go of code objects that nobody can run any more.
 *
 * A program may compile and run code without end. What was counted of code
 * that is gone is taken over by the tracers, and the code is forgotten.
 */
#ifndef XT_SWEEP_H
#define XT_SWEEP_H

#include "engine.h"

/* Sweeps if so much has been added since the last time that it is worth it.
   -1 with an exception; nothing is lost then. */
int sweep(EngineObject *engine);

/* Whether code most likely runs only once: a module's, a class's, or what
   exec() or eval() was given. */
static inline bool
sweep_is_body(const PyCodeObject *code)
{
    return (code->co_flags & CO_OPTIMIZED) == 0;
}

/* Whether nobody will ask for all code that there was. */
bool sweep_may_forget(const EngineObject *engine);

/* Whether code is started for the first time that we see, and may be forgotten
   when that is over. */
bool sweep_is_first_run(const EngineObject *engine, PyCodeObject *code);

/* A frame runs rewritten code for the first time. A body is freed with that
   frame, as the program would expect, and what it counted is brought in then.
   What does run again is rewritten again, and then kept. */
void sweep_weaken(EngineObject *engine, code_entry *entry);

/* Frames of the code are counted by events, and it is not rewritten: it is
   freed when the program lets go of it. */
void sweep_weaken_original(const EngineObject *engine, code_entry *entry);

/* A code object is being freed (codewatch.h). */
void sweep_code_freed(EngineObject *engine, PyCodeObject *code);

#endif
