// SPDX-License-Identifier: Apache-2.0
/* Whatever is read from a counts file must come back from what is written. The
   input has sums of its own put right, so that more than the header is tried.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "mem.h"
#include "tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void
put(uint8_t *at, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        at[i] = (uint8_t)(number >> (8 * i));
    }
}

static uint64_t
get(const uint8_t *at)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number |= (uint64_t)at[i] << (8 * i);
    }
    return number;
}

/* Puts the length and the checks right, where they are within the file. */
static void
mend(uint8_t *file, size_t len)
{
    if (len < XT_TABLES_HEADER) {
        return;
    }
    put(file + 16, len);
    size_t count = file[12];
    size_t table = count * XT_TABLES_ENTRY;
    if (table > len - XT_TABLES_HEADER) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t *entry = file + XT_TABLES_HEADER + i * XT_TABLES_ENTRY;
        uint64_t at = get(entry + 8);
        uint64_t size = get(entry + 16);
        if (at <= len && size <= len - at) {
            put(entry + 24, xt_hash_bytes(0, 0, file + at, (size_t)size));
        }
    }
    put(file + 24, xt_hash_bytes(0, 0, file + XT_TABLES_HEADER, table));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *file = xt_malloc(len);
    require(file != NULL);
    if (len > 0) {
        memcpy(file, bytes, len);
    }
    mend(file, len);
    xt_section *sections;
    size_t count;
    xt_tables_fault fault = {0};
    xt_status status = xt_tables_read(file, len, &sections, &count, &fault);
    if (status != XT_OK) {
        require(fault.what != NULL && fault.offset <= len && sections == NULL);
        xt_free(file);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        require(sections[i].bytes >= file &&
                sections[i].bytes + sections[i].len <= file + len);
    }
    xt_buf again = {0};
    require(xt_tables_write(sections, count, &again) == XT_OK);
    require(again.len == len);
    xt_section *same;
    size_t same_count;
    require(xt_tables_read((const uint8_t *)again.bytes, again.len, &same,
                           &same_count, &fault) == XT_OK);
    require(same_count == count);
    xt_free(same);
    xt_buf_fini(&again);
    xt_free(sections);
    xt_free(file);
    return 0;
}
