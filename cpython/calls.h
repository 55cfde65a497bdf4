// SPDX-License-Identifier: Apache-2.0
/* Calls that a trace function sees, where no events are to be had for them. */
#ifndef XT_CALLS_H
#define XT_CALLS_H

#include "session.h"

/* Notes that a frame was called or goes on, if the mode asks for that and
   nobody else does it. -1 with an exception of the program's. */
int calls_note(TracerObject *self, PyFrameObject *frame);

#endif
