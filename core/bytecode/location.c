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

/* Sets the columns, and end_line relative to the line. What cannot be read
   is left unknown: only the lines matter to everyone. */
static void
read_columns(xt_location_reader *reader, unsigned kind, xt_location *entry)
{
    entry->end_line = 0;
    entry->column = -1;
    entry->end_column = -1;
    unsigned first;
    unsigned second;
    uint64_t ends[3];
    if (kind < KIND_ONE_LINE) {
        if (read_byte(reader, &first) == XT_OK) {
            entry->column = (int64_t)(kind << 3 | (first >> 4 & 7));
            entry->end_column = entry->column + (first & 15);
        }
    }
    else if (kind < KIND_NO_COLUMNS) {
        if (read_byte(reader, &first) == XT_OK &&
            read_byte(reader, &second) == XT_OK) {
            entry->column = first;
            entry->end_column = second;
        }
    }
    else if (kind == KIND_LONG) {
        if (read_varint(reader, &ends[0]) == XT_OK &&
            read_varint(reader, &ends[1]) == XT_OK &&
            read_varint(reader, &ends[2]) == XT_OK) {
            entry->end_line = (int64_t)ends[0];
            entry->column = (int64_t)ends[1] - 1;
            entry->end_column = (int64_t)ends[2] - 1;
        }
    }
}

/* Reads the head of an entry and its line, up to where columns may follow. */
static xt_status
read_head(xt_location_reader *reader, xt_location *entry, unsigned *kind)
{
    unsigned head = *reader->at++;
    if ((head & 0x80) == 0) {
        return XT_CORRUPT;
    }
    *kind = head >> 3 & 15;
    int64_t delta = 0;
    if (*kind >= KIND_ONE_LINE && *kind < KIND_NO_COLUMNS) {
        delta = (int64_t)*kind - KIND_ONE_LINE;
    }
    else if ((*kind == KIND_NO_COLUMNS || *kind == KIND_LONG) &&
             read_line_delta(reader, &delta) != XT_OK) {
        return XT_CORRUPT;
    }
    int64_t line = reader->line + delta;
    if (line > INT32_MAX || line < INT32_MIN) {
        return XT_CORRUPT;
    }
    reader->line = line;
    entry->units = (head & 7) + 1;
    /* The interpreter keeps "no line" as -1 and does not tell it from an
       entry that computes to -1. */
    entry->has_line = *kind != KIND_NONE && line != -1;
    entry->line = line;
    return XT_OK;
}

/* Any byte with the top bit clear belongs to the entry before: so does the
   interpreter find the next one. */
static void
skip_rest(xt_location_reader *reader)
{
    while (reader->at != reader->end && (*reader->at & 0x80) == 0) {
        reader->at++;
    }
}

xt_status
xt_location_next(xt_location_reader *reader, xt_location *entry, bool *more)
{
    *more = reader->at != reader->end;
    if (!*more) {
        return XT_OK;
    }
    unsigned kind;
    entry->bytes = reader->at;
    entry->line_before = reader->line;
    xt_status status = read_head(reader, entry, &kind);
    if (status == XT_OK) {
        read_columns(reader, kind, entry);
        entry->end_line += entry->line;
        skip_rest(reader);
        entry->bytes_len = (size_t)(reader->at - entry->bytes);
    }
    return status;
}

xt_status
xt_location_next_line(xt_location_reader *reader, xt_location *entry,
                      bool *more)
{
    *more = reader->at != reader->end;
    if (!*more) {
        return XT_OK;
    }
    unsigned kind;
    xt_status status = read_head(reader, entry, &kind);
    skip_rest(reader);
    return status;
}

static void
put_varint(unsigned char **at, uint64_t value)
{
    while (value >= 0x40) {
        *(*at)++ = (unsigned char)(0x40 | (value & 0x3f));
        value >>= 6;
    }
    *(*at)++ = (unsigned char)value;
}

static void
put_line_delta(unsigned char **at, int64_t delta)
{
    uint64_t size = (uint64_t)(delta < 0 ? -delta : delta);
    put_varint(at, size << 1 | (delta < 0));
}

/* Writes what follows the head of an entry, and returns its kind. */
static unsigned
put_place(unsigned char **at, const xt_location *place, int64_t delta)
{
    if (!place->has_line) {
        return KIND_NONE;
    }
    int64_t column = place->column;
    int64_t end = place->end_column;
    if ((column < 0 || end < 0) && place->end_line == place->line) {
        put_line_delta(at, delta);
        return KIND_NO_COLUMNS;
    }
    bool one_line = place->end_line == place->line;
    if (one_line && delta == 0 && column < 80 && end >= column &&
        end - column < 16) {
        *(*at)++ = (unsigned char)((column & 7) << 4 | (end - column));
        return (unsigned)(column >> 3);
    }
    if (one_line && delta >= 0 && delta < 3 && column < 128 && end < 128) {
        *(*at)++ = (unsigned char)column;
        *(*at)++ = (unsigned char)end;
        return KIND_ONE_LINE + (unsigned)delta;
    }
    put_line_delta(at, delta);
    put_varint(at, (uint64_t)(place->end_line - place->line));
    put_varint(at, (uint64_t)(column + 1));
    put_varint(at, (uint64_t)(end + 1));
    return KIND_LONG;
}

xt_status
xt_location_write(xt_location_writer *writer, const xt_location *place,
                  size_t units)
{
    enum { ENTRY_MAX = 40, ENTRY_UNITS = 8 };
    if (units == place->units && place->bytes != NULL &&
        place->line_before == writer->line) {
        writer->line = place->line;
        return xt_buf_append(&writer->table, (const char *)place->bytes,
                             place->bytes_len);
    }
    while (units > 0) {
        if (xt_buf_reserve(&writer->table, ENTRY_MAX) != XT_OK) {
            return XT_NOMEM;
        }
        unsigned char *head =
            (unsigned char *)writer->table.bytes + writer->table.len;
        unsigned char *at = head + 1;
        unsigned length = units < ENTRY_UNITS ? (unsigned)units : ENTRY_UNITS;
        unsigned kind = put_place(&at, place, place->line - writer->line);
        *head = (unsigned char)(0x80 | kind << 3 | (length - 1));
        writer->table.len += (size_t)(at - head);
        if (place->has_line) {
            writer->line = place->line;
        }
        units -= length;
    }
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
        xt_status status = xt_location_next_line(&reader, &entry, &more);
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
