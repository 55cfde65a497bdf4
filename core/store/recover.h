// SPDX-License-Identifier: Apache-2.0
/* From the file in which a process counted to the counts, without the process.
 *
 * Code in it is analysed as it was when its probes were placed; so the slots
 * get their meaning again, and lines, branches and calls are solved from them.
 *
 * What a file does not know is where the frames stood that were running when
 * it was read, or when the process died. The frames that it notes ran when
 * other code last began, and may have ended since without passing a probe. Of
 * code in which a frame can stand, some lines can be off: the section
 * XT_TABLE_UNSURE has, for each, by how much a single frame can have made
 * the count too high or too low.
 */
#ifndef XT_RECOVER_H
#define XT_RECOVER_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"
#include "tables.h"

/* Kinds of sections of a counts file: docs/counts-file-format.md. */
enum {
    XT_TABLE_STRING_BYTES = 1,
    XT_TABLE_STRING_ENDS,
    XT_TABLE_NOTES,
    XT_TABLE_LINES,
    XT_TABLE_BRANCHES,
    XT_TABLE_CALLS,
    XT_TABLE_CALL_GRAPH,
    XT_TABLE_UNSURE = 20, /* file, line, too high by, too low by */
};

/* Appends a counts file (tables.h) to `out`, with what was counted up to the
   moment when the bytes were read. XT_CORRUPT, or XT_UNSUPPORTED for a file of
   another version, with *fault set; XT_NOMEM. */
xt_status xt_recover(const uint8_t *bytes, size_t len, xt_buf *out,
                     xt_tables_fault *fault);

#endif
