// SPDX-License-Identifier: Apache-2.0
/* What the other threads of this interpreter are in the midst of. */
#ifndef XT_OTHERFRAMES_H
#define XT_OTHERFRAMES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Calls `visit` with `argument` and the topmost frame of each other thread
   that has one, until it returns -1, with an exception, which this then does
   as well. Needs the GIL (3.12 and later: frames are made without a look at
   garbage, which might let go of it). sys._current_frames() will not do: it
   shows threads of other interpreters too, which run meanwhile. */
int otherframes_visit(int (*visit)(void *argument, PyFrameObject *top),
                      void *argument);

#endif
