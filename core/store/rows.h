// SPDX-License-Identifier: Apache-2.0
/* Rows of numbers, of which all but the last are a key: a table of a counts
 * file, whose keys are there once.
 */
#ifndef XT_ROWS_H
#define XT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "rowindex.h"
#include "status.h"

enum { XT_ROWS_MAX_WIDTH = 16 };

/* Zero with a width of 2 to XT_ROWS_MAX_WIDTH is a valid empty table. */
typedef struct {
    size_t width;   /* numbers in a row */
    int64_t *cells; /* owned; row i begins at cells[i * width] */
    size_t len;     /* rows */
    size_t cap;     /* cells */
    xt_rowindex index;
} xt_rows;

void xt_rows_fini(xt_rows *rows);

/* The place of the last number of the row with these first `width - 1`, which
   is made with 0 if need be; valid until the next call. NULL: XT_NOMEM, or
   2**32 rows; the table is then as it was. */
int64_t *xt_rows_at(xt_rows *rows, const int64_t *key);

#endif
