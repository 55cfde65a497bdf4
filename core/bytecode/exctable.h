// SPDX-License-Identifier: Apache-2.0
/* The exception table of a code object: which handler takes what is raised
 * where. The format of CPython 3.11 and later: four numbers for each range
 * (start, length, target, depth * 2 + lasti), in code units; a number is
 * a run of 6-bit groups, highest first, with bit 6 set on all but the last,
 * and bit 7 on the first byte of a range only (Objects/exception_handling_
 * notes.txt). Ranges are sorted and do not overlap.
 */
#ifndef XT_EXCTABLE_H
#define XT_EXCTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"

typedef struct {
    uint32_t start;  /* first code unit */
    uint32_t end;    /* just behind the last */
    uint32_t target; /* the handler's first code unit */
    uint32_t depth;  /* of the stack, times 2, plus whether lasti is pushed */
} xt_exctable_range;

/* Zero is a valid empty table. */
typedef struct {
    xt_exctable_range *ranges; /* owned */
    size_t len;
    size_t cap;
} xt_exctable;

void xt_exctable_fini(xt_exctable *table);

/* Reads a table of `len` bytes in place of what `table` held (its memory is
   used again). XT_CORRUPT if the bytes break the format, or the ranges are
   not sorted; XT_NOMEM. */
xt_status xt_exctable_read(xt_exctable *table, const void *bytes, size_t len);

/* Appends one range in the same format. XT_NOMEM leaves `out` as it was. */
xt_status xt_exctable_write(xt_buf *out, const xt_exctable_range *range);

#endif
