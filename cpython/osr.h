// SPDX-License-Identifier: Apache-2.0
/* On-stack replacement: a frame goes on in rewritten code in its midst.
 *
 * Code that runs for the first time is followed by events (firstruns.h), which
 * costs more the longer it runs. At a branch that has just been decided, the
 * frame can go on in the rewritten code as if it had come from there. To the
 * interpreter this is what a debugger does that sets f_lineno: after the
 * callback of a branch it goes on where the frame stands then
 * (_Py_call_instrumentation_jump() in Python/instrumentation.c, 3.13 to 3.15).
 */
#ifndef XT_OSR_H
#define XT_OSR_H

#include "engine.h"
#include "frame.h"

/* Has the running frame, which an event has just told to have turned at the
   branch at a code unit of `code`, go on in rewritten code. If that is not
   possible here, it goes on as it is; if the code cannot be rewritten, it is
   counted by events. -1 with an exception. */
int osr_move(EngineObject *self, frame_head *frame, PyCodeObject *code,
             uint32_t branch);

#endif
