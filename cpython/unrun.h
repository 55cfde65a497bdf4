// SPDX-License-Identifier: Apache-2.0
/* Frames that stand in front of a probe which they have not run.
 *
 * An exception arises there only in the callback for the event of a line that
 * begins with the probe, and frames are seen there only by that callback:
 * where the frame stands says that it has gone the way which the probe counts.
 */
#ifndef XT_UNRUN_H
#define XT_UNRUN_H

#include "probed.h"

/* The counter of the probe in front of which a frame stands that runs the
   rewritten `code`, at this code unit of it: immortal; NULL if there is none,
   as mostly. */
CounterObject *unrun_find(const ProbedCodeObject *probed, PyCodeObject *code,
                          Py_ssize_t unit);

/* The same, if the probe is fused. */
CounterObject *unrun_find_fused(const ProbedCodeObject *probed,
                                PyCodeObject *code, Py_ssize_t unit);

/* Whether unrun_find() may find one there, now or when events hide other
   instructions. */
bool unrun_may_find(const ProbedCodeObject *probed, PyCodeObject *code,
                    Py_ssize_t unit);

#endif
