// SPDX-License-Identifier: Apache-2.0
#include "rows.h"

#include <string.h>

#include "mem.h"

void
xt_rows_fini(xt_rows *rows)
{
    xt_free(rows->cells);
    xt_rowindex_fini(&rows->index);
    *rows = (xt_rows){.width = rows->width};
}

int64_t *
xt_rows_at(xt_rows *rows, const int64_t *key)
{
    size_t keys = rows->width - 1;
    size_t size = keys * sizeof(*key);
    if (xt_rowindex_reserve(&rows->index) != XT_OK) {
        return NULL;
    }
    uint32_t hash = xt_rowindex_hash(&rows->index, key, size);
    xt_rowindex_probe probe = xt_rowindex_start(&rows->index, hash);
    while (xt_rowindex_next(&rows->index, &probe)) {
        int64_t *row = rows->cells + probe.row * rows->width;
        if (memcmp(row, key, size) == 0) {
            return row + keys;
        }
    }
    int64_t *cells = xt_grow(rows->cells, &rows->cap,
                             (rows->len + 1) * rows->width, sizeof(*cells));
    if (cells == NULL) {
        return NULL;
    }
    rows->cells = cells;
    int64_t *row = cells + rows->len * rows->width;
    memcpy(row, key, size);
    row[keys] = 0;
    xt_rowindex_put(&rows->index, hash, (uint32_t)rows->len++);
    return row + keys;
}
