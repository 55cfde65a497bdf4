// SPDX-License-Identifier: Apache-2.0
/* Whatever a file in which a process counted holds, reading it gives a counts
   file or says what is wrong. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "plan.h"
#include "recover.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
require(int holds)
{
    if (!holds) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *file = xt_malloc(len);
    require(file != NULL);
    if (len > 0) {
        memcpy(file, bytes, len);
    }
    /* Put right what would refuse the file as a whole. */
    if (len >= 64) {
        const uint64_t end = len / 16 * 16;
        const uint32_t flow = XT_FLOW_VERSION;
        memcpy(file,
               "\x89"
               "EXJ\r\n\x1a\n\1\0\0\0",
               12);
        file[12] = (uint8_t)(12 + file[12] % 4);
        memset(file + 13, 0, 3);
        memcpy(file + 16, &end, sizeof(end));
        memcpy(file + 48, &flow, sizeof(flow));
    }
    xt_buf out = {0};
    xt_tables_fault fault = {0};
    xt_status status = xt_recover(file, len, &out, &fault);
    if (status == XT_OK) {
        xt_section *sections;
        size_t count;
        require(xt_tables_read((const uint8_t *)out.bytes, out.len, &sections,
                               &count, &fault) == XT_OK);
        xt_free(sections);
    }
    else {
        require(fault.what != NULL && fault.offset <= len);
    }
    xt_buf_fini(&out);
    xt_free(file);
    return 0;
}
