// SPDX-License-Identifier: Apache-2.0
/* The summary table: one row for each file. */
#ifndef XT_SUMMARY_H
#define XT_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "status.h"

/* How a row shows its share of lines that ran. */
typedef enum {
    XT_SUMMARY_WHOLE,  /* "%5d   %3d%%   %s   (%s)", cut off: up to 3.13 */
    XT_SUMMARY_TENTHS, /* the share as "%.1f%%", rounded: from 3.14 on */
} xt_summary_style;

typedef struct {
    uint64_t hit;       /* at most `lines` */
    uint64_t lines;     /* at least 1 */
    const char *module; /* borrowed, UTF-8 */
    size_t module_len;
    const char *file; /* borrowed, UTF-8 */
    size_t file_len;
} xt_summary_row;

/* Appends the line above the rows. XT_NOMEM leaves `out` as it was. */
xt_status xt_summary_write_head(xt_buf *out);

/* Appends one row. XT_NOMEM may leave a part of it in `out`. */
xt_status xt_summary_write_row(const xt_summary_row *row,
                               xt_summary_style style, xt_buf *out);

#endif
