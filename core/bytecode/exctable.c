// SPDX-License-Identifier: Apache-2.0
#include "exctable.h"

#include "cursor.h"
#include "mem.h"

enum {
    START_OF_RANGE = 0x80,
    MORE = 0x40,
    GROUP = 0x3f,
};

void
xt_exctable_fini(xt_exctable *table)
{
    xt_free(table->ranges);
    *table = (xt_exctable){0};
}

static xt_status
read_number(xt_cursor *from, uint32_t *number)
{
    uint32_t value = 0;
    for (unsigned groups = 0; groups < 5; groups++) {
        const uint8_t *byte;
        if (!xt_cursor_take(from, 1, &byte)) {
            return XT_CORRUPT;
        }
        value = value << 6 | (*byte & GROUP);
        if ((*byte & MORE) == 0) {
            *number = value;
            return XT_OK;
        }
    }
    return XT_CORRUPT;
}

static xt_status
read_range(xt_cursor *from, xt_exctable_range *range)
{
    uint32_t length;
    if (read_number(from, &range->start) != XT_OK ||
        read_number(from, &length) != XT_OK ||
        read_number(from, &range->target) != XT_OK ||
        read_number(from, &range->depth) != XT_OK) {
        return XT_CORRUPT;
    }
    range->end = range->start + length;
    return XT_OK;
}

xt_status
xt_exctable_read(xt_exctable *table, const void *bytes, size_t len)
{
    table->len = 0;
    if (len == 0) {
        return XT_OK; /* there may be no bytes to point to */
    }
    xt_cursor from = {bytes, (const uint8_t *)bytes + len};
    while (xt_cursor_left(&from) > 0) {
        xt_exctable_range *ranges = xt_grow(table->ranges, &table->cap,
                                            table->len + 1, sizeof(*ranges));
        if (ranges == NULL) {
            return XT_NOMEM;
        }
        table->ranges = ranges;
        xt_exctable_range *range = &ranges[table->len];
        uint32_t before = table->len == 0 ? 0 : range[-1].end;
        if (read_range(&from, range) != XT_OK || range->start < before ||
            range->end < range->start) {
            return XT_CORRUPT;
        }
        table->len++;
    }
    return XT_OK;
}

static void
put_number(unsigned char **at, uint32_t number, unsigned first)
{
    unsigned shift = 0;
    while (number >> shift > GROUP) {
        shift += 6;
    }
    for (;; shift -= 6) {
        unsigned more = shift > 0 ? MORE : 0;
        *(*at)++ = (unsigned char)(first | more | (number >> shift & GROUP));
        first = 0;
        if (shift == 0) {
            return;
        }
    }
}

xt_status
xt_exctable_write(xt_buf *out, const xt_exctable_range *range)
{
    enum { RANGE_MAX = 4 * 6 };
    if (xt_buf_reserve(out, RANGE_MAX) != XT_OK) {
        return XT_NOMEM;
    }
    unsigned char *start = (unsigned char *)out->bytes + out->len;
    unsigned char *at = start;
    put_number(&at, range->start, START_OF_RANGE);
    put_number(&at, range->end - range->start, 0);
    put_number(&at, range->target, 0);
    put_number(&at, range->depth, 0);
    out->len += (size_t)(at - start);
    return XT_OK;
}
