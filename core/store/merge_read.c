// SPDX-License-Identifier: Apache-2.0
/* Reading the sum, by what its rows begin with: most often a file. */
#include "merge.h"

#include <assert.h>
#include <stdlib.h>

#include "mem.h"

/* By the first two numbers, which all rows have. */
static int
compare_starts(const void *a, const void *b)
{
    const int64_t *one = a;
    const int64_t *other = b;
    if (one[0] != other[0]) {
        return one[0] < other[0] ? -1 : 1;
    }
    return (one[1] > other[1]) - (one[1] < other[1]);
}

void
xt_merge_sort(xt_merge *merge)
{
    for (size_t i = 0; i < XT_MERGESPECS; i++) {
        xt_merge_table *table = &merge->tables[i];
        xt_rowindex_fini(&table->index);
        if (table->count > 1 && !merge->is_sorted) {
            qsort(table->rows, table->count,
                  xt_mergespecs[i].columns * sizeof(*table->rows),
                  compare_starts);
        }
    }
    merge->is_sorted = true;
}

/* The first row that begins with `least` or more, or their number. */
static size_t
find_start(const xt_merge_table *table, unsigned columns, int64_t least)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->rows[middle * columns] < least) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

const int64_t *
xt_merge_rows_of(const xt_merge *merge, size_t table, uint32_t string,
                 size_t *count)
{
    assert(merge->is_sorted);
    const xt_merge_table *rows = &merge->tables[table];
    unsigned columns = xt_mergespecs[table].columns;
    size_t start = find_start(rows, columns, string);
    *count = find_start(rows, columns, (int64_t)string + 1) - start;
    return *count == 0 ? NULL : rows->rows + start * columns;
}
