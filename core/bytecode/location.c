// SPDX-License-Identifier: Apache-2.0
#include "location.h"

enum {
    KIND_ONE_LINE = 10, /* and 11, 12 */
    KIND_NO_COLUMNS = 13,
    KIND_LONG = 14,
    KIND_NONE = 15,
};

void
xt_location_start(xt_location_reader *reader, const void *table, size_t len,
                  int64_t first_line)
{
    reader->at = table;
    reader->end = reader->at + len;
    reader->line = first_line;
}

/* Reads one byte that continues an entry. */
static xt_status
read_byte(xt_location_reader *reader, unsigned *byte)
{
    if (reader->at == reader->end || (*reader->at & 0x80) != 0) {
        return XT_CORRUPT;
    }
    *byte = *reader->at++;
    return XT_OK;
}

static xt_status
read_varint(xt_location_reader *reader, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0;; shift += 6) {
        unsigned byte;
        if (shift > 36 || read_byte(reader, &byte) != XT_OK) {
            return XT_CORRUPT;
        }
        sum |= (uint64_t)(byte & 0x3f) << shift;
        if ((byte & 0x40) == 0) {
            *value = sum;
            return XT_OK;
        }
    }
}

static xt_status
read_line_delta(xt_location_reader *reader, int64_t *delta)
{
    uint64_t value;
    xt_status status = read_varint(reader, &value);
    if (status == XT_OK) {
        int64_t size = (int64_t)(value >> 1);
        *delta = (value & 1) != 0 ? -size : size;
    }
    return status;
}

xt_status
xt_location_next(xt_location_reader *reader, xt_location *entry, bool *more)
{
    if (reader->at == reader->end) {
        *more = false;
        return XT_OK;
    }
    unsigned head = *reader->at++;
    if ((head & 0x80) == 0) {
        return XT_CORRUPT;
    }
    unsigned kind = head >> 3 & 15;
    int64_t delta = 0;
    xt_status status = XT_OK;
    if (kind == KIND_NO_COLUMNS || kind == KIND_LONG) {
        status = read_line_delta(reader, &delta);
    }
    else if (kind >= KIND_ONE_LINE && kind < KIND_NO_COLUMNS) {
        delta = (int64_t)kind - KIND_ONE_LINE;
    }
    /* The columns are of no use here. Any byte with the top bit clear belongs
       to this entry: so does the interpreter find the next one. */
    while (reader->at != reader->end && (*reader->at & 0x80) == 0) {
        reader->at++;
    }
    int64_t line = reader->line + delta;
    if (status != XT_OK || line > INT32_MAX || line < INT32_MIN) {
        return XT_CORRUPT;
    }
    reader->line = line;
    entry->units = (head & 7) + 1;
    /* The interpreter keeps "no line" as -1 and does not tell it from an
       entry that computes to -1. */
    entry->has_line = kind != KIND_NONE && line != -1;
    entry->line = line;
    *more = true;
    return XT_OK;
}

xt_status
xt_location_collect(const void *table, size_t len, int64_t first_line,
                    xt_location_lines *into)
{
    xt_location_reader reader;
    xt_location_start(&reader, table, len, first_line);
    int64_t last = -1;
    for (;;) {
        xt_location entry;
        bool more;
        xt_status status = xt_location_next(&reader, &entry, &more);
        if (status != XT_OK || !more) {
            return status;
        }
        if (!entry.has_line) {
            into->has_gap = true;
            continue;
        }
        if (entry.line == last || entry.line < 0 ||
            (uint64_t)entry.line > into->limit) {
            continue;
        }
        status = xt_bitset_add(&into->lines, (size_t)entry.line);
        if (status != XT_OK) {
            return status;
        }
        last = entry.line;
    }
}
