// SPDX-License-Identifier: Apache-2.0
/* Tells an engine of code objects that are freed.
 *
 * Not by the extra slots of code objects (PyUnstable_Code_SetExtra): one that
 * is in use has everyone's free functions called when the code is freed, with
 * NULL, also after whoever registered one has gone.
 */
#ifndef XT_CODEWATCH_H
#define XT_CODEWATCH_H

#include "engine.h"

/* From now on sweep_code_freed() is called for the engine, the interpreter's
   only one. Returns a watcher, or -1 if others have taken all. Never fails. */
int codewatch_begin(EngineObject *engine);
void codewatch_end(int watcher);

#endif
