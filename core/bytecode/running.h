// SPDX-License-Identifier: Apache-2.0
/* Bytecode as it stands while it runs, made what the compiler wrote: without
 * specialised opcodes, events and what inline caches hold. What
 * PyCode_GetCode() does (Objects/codeobject.c), without a new object; but
 * conditional jumps keep what they remember (recall.h).
 */
#ifndef XT_RUNNING_H
#define XT_RUNNING_H

#include "buf.h"
#include "opcodes.h"

/* Writes the `len` bytes of `code` so into `out`, in place of what was there.
   XT_UNSUPPORTED if the table does not tell what an opcode stands for, as it
   does not of those for the events LINE and INSTRUCTION: they stand for any.
   XT_CORRUPT if the code ends within an instruction, XT_NOMEM. */
xt_status xt_running_read(xt_buf *out, const xt_opcodes *ops,
                          const unsigned char *code, size_t len);

#endif
