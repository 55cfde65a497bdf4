// SPDX-License-Identifier: Apache-2.0
/* Whatever is read from a counts file must come back from what is written. */
#include <stdint.h>
#include <stdlib.h>

#include "buf.h"
#include "pickle_read.h"
#include "pickle_write.h"
#include "same_tally.h"

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
    xt_tally tally = {0};
    xt_pickle_fault fault = {0};
    xt_status status = xt_pickle_read(bytes, len, &tally, &fault);
    if (status != XT_OK) {
        require(fault.what != NULL && fault.offset <= len);
        require(tally.strings.count == 0 && tally.counts == NULL);
        return 0;
    }
    xt_buf file = {0};
    xt_tally again = {0};
    require(xt_pickle_write(&tally, &file) == XT_OK);
    require(xt_pickle_read((const uint8_t *)file.bytes, file.len, &again,
                           &fault) == XT_OK);
    require(same_tally(&tally, &again));
    xt_buf_fini(&file);
    xt_tally_fini(&again);
    xt_tally_fini(&tally);
    return 0;
}
