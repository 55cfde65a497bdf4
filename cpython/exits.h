// SPDX-License-Identifier: Apache-2.0
/* Where exceptions take control in rewritten code: from an instruction to a
 * handler, or out of the frame.
 */
#ifndef XT_EXITS_H
#define XT_EXITS_H

#include "probed.h"

/* Notes that an exception took control from where a frame of the rewritten
   `code` stands to the handler at `handler`, or out of the frame (-1); both
   are code units of it. `thrown`: into the frame, from outside. Where the
   frame stands in no code of ours, nothing is noted. -1 (without an exception)
   if out of memory. */
int exits_note(ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t stands,
               Py_ssize_t handler, bool thrown);

#endif
