// SPDX-License-Identifier: Apache-2.0
/* Frames that stand in front of a probe which they have not run.
 *
 * Nothing stops a frame there but the event of a line that begins with the
 * probe: what its callback raises, or sees when it reads the counts. Where the
 * frame stands says that it has gone the way which the probe counts.
 */
#ifndef XT_UNRUN_H
#define XT_UNRUN_H

#include "probed.h"

/* Adds 1 or -1 to what those probes count that a frame stands in front of
   which runs the rewritten `code`, at this code unit of it; mostly there are
   none. */
void unrun_add(const ProbedCodeObject *probed, PyCodeObject *code,
               Py_ssize_t unit, int64_t number);

/* A frame has been put at a code unit without having come there: if it begins
   with a fused probe, that counts a way which the frame has not gone, so there
   is one less. */
void unrun_pass(const ProbedCodeObject *probed, PyCodeObject *code,
                Py_ssize_t unit);

#endif
