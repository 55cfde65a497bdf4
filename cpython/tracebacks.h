// SPDX-License-Identifier: Apache-2.0
/* The entries of tracebacks that are about one frame.
 *
 * Only the collector knows them all, and to have it look at all objects takes
 * as long as the program is large. So they are looked for among the exceptions
 * that are being handled first: when those account for every reference to the
 * frame object, there are no others.
 */
#ifndef XT_TRACEBACKS_H
#define XT_TRACEBACKS_H

#include "frame.h"

/* Calls `change` once with each entry that is about the frame object of a
   frame that runs in this thread. Nothing may be made or freed meanwhile. */
void tracebacks_of(PyFrameObject *frame,
                   void (*change)(PyTracebackObject *entry, const void *arg),
                   const void *arg);

#endif
