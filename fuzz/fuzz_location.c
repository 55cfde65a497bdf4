// SPDX-License-Identifier: Apache-2.0
/* Location tables, and whole compiled files, of any bytes. The reader must
   end, and find only lines within the limit. */
#include <stdlib.h>

#include "location.h"
#include "pyc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const xt_location_lines *found)
{
    size_t line = found->limit + 1;
    if (xt_bitset_next(&found->lines, &line)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xt_location_lines found = {.limit = 1000};
    (void)xt_location_collect(data, size, 1, &found);
    check(&found);
    xt_bitset_fini(&found.lines);

    found = (xt_location_lines){.limit = 1000};
    (void)xt_pyc_collect(data, size, &found);
    check(&found);
    xt_bitset_fini(&found.lines);
    return 0;
}
