// SPDX-License-Identifier: Apache-2.0
/* Whatever can be added must be written, and be added again with the same sum:
 * a file that is written holds nothing that is refused. The input is the
 * content of the sections: a kind, a length, that many numbers, and so on; the
 * container around it is right.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MOST = 12, ROOM = 4096 };

static void
require(int holds)
{
    if (!holds) {
        abort();
    }
}

/* Takes sections from the input: small numbers, one byte each. */
static size_t
take_sections(const uint8_t *bytes, size_t len, xt_section *sections,
              uint8_t *room)
{
    size_t count = 0;
    size_t used = 0;
    while (len >= 2 && count < MOST) {
        uint32_t kind = bytes[0] % 22;
        size_t size = bytes[1];
        bytes += 2;
        len -= 2;
        size = size < len ? size : len;
        unsigned columns = 0;
        (void)xt_mergespec_columns(kind, &columns);
        if (columns > 0) {
            size -= size % columns;
        }
        size_t width = columns > 0 ? 8 : 1;
        if (used + size * width > ROOM) {
            break;
        }
        uint8_t *place = room + used;
        for (size_t i = 0; i < size; i++) {
            memset(place + i * width, bytes[i] > 250 ? 0xff : 0, width);
            place[i * width] = bytes[i];
        }
        sections[count++] = (xt_section){kind, columns, place, size * width};
        used += size * width;
        bytes += size;
        len -= size;
    }
    return count;
}

static xt_buf
sum_of(const xt_buf *file)
{
    xt_merge merge = {0};
    xt_buf out = {0};
    xt_tables_fault fault;
    require(xt_merge_add(&merge, (const uint8_t *)file->bytes, file->len,
                         &fault) == XT_OK);
    require(xt_merge_write(&merge, NULL, 0, &out) == XT_OK);
    xt_merge_fini(&merge);
    return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    xt_section sections[MOST];
    uint8_t room[ROOM];
    size_t count = take_sections(bytes, len, sections, room);
    xt_buf file = {0};
    require(xt_tables_write(sections, count, &file) == XT_OK);
    xt_merge merge = {0};
    xt_tables_fault fault;
    xt_status status =
        xt_merge_add(&merge, (const uint8_t *)file.bytes, file.len, &fault);
    xt_merge_fini(&merge);
    if (status == XT_OK) {
        xt_buf once = sum_of(&file);
        xt_buf twice = sum_of(&once);
        require(once.len == twice.len &&
                memcmp(once.bytes, twice.bytes, once.len) == 0);
        xt_buf_fini(&once);
        xt_buf_fini(&twice);
    }
    else {
        require(status == XT_CORRUPT && fault.what != NULL);
    }
    xt_buf_fini(&file);
    return 0;
}
