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
    reader->unit = 0;
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

/* The kind of an entry, from its first byte. */
static unsigned
kind_of(unsigned head)
{
    return head >> 3 & 15;
}

/* Sets the columns and the last line of an entry, of which `reader` has the
   rest. What cannot be read is left unknown: only lines matter to everyone. */
static void
read_columns(xt_location_reader *reader, unsigned kind, xt_location *place)
{
    unsigned first;
    unsigned second;
    uint64_t ends[3];
    if (kind < KIND_ONE_LINE) {
        if (read_byte(reader, &first) == XT_OK) {
            place->column = (int64_t)(kind << 3 | (first >> 4 & 7));
            place->end_column = place->column + (first & 15);
        }
    }
    else if (kind < KIND_NO_COLUMNS) {
        if (read_byte(reader, &first) == XT_OK &&
            read_byte(reader, &second) == XT_OK) {
            place->column = first;
            place->end_column = second;
        }
    }
    else if (kind == KIND_LONG) {
        if (read_varint(reader, &ends[0]) == XT_OK &&
            read_varint(reader, &ends[1]) == XT_OK &&
            read_varint(reader, &ends[2]) == XT_OK) {
            place->end_line = place->line + (int64_t)ends[0];
            place->column = (int64_t)ends[1] - 1;
            place->end_column = (int64_t)ends[2] - 1;
        }
    }
}

/* How much further the line of an entry is, whose first byte was read. */
static xt_status
read_step(xt_location_reader *reader, unsigned kind, int64_t *delta)
{
    if (kind == KIND_NO_COLUMNS || kind == KIND_LONG) {
        return read_line_delta(reader, delta);
    }
    bool steps = kind >= KIND_ONE_LINE && kind < KIND_NO_COLUMNS;
    *delta = steps ? (int64_t)kind - KIND_ONE_LINE : 0;
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

/* How many code units an entry covers, from its first byte. */
static unsigned
units_of(unsigned head)
{
    return (head & 7) + 1;
}

/* The interpreter keeps "no line" as -1 and does not tell it from an entry
   that computes to -1. */
static bool
has_line(unsigned head, int64_t line)
{
    return kind_of(head) != KIND_NONE && line != -1;
}

/* Goes behind the next entry, of which there is one. */
static inline xt_status
pass(xt_location_reader *reader)
{
    unsigned head = *reader->at++;
    int64_t delta;
    if ((head & 0x80) == 0 ||
        read_step(reader, kind_of(head), &delta) != XT_OK) {
        return XT_CORRUPT;
    }
    reader->line += delta;
    reader->unit += units_of(head);
    skip_rest(reader);
    return reader->line > INT32_MAX || reader->line < INT32_MIN ? XT_CORRUPT
                                                                : XT_OK;
}

xt_status
xt_location_next(xt_location_reader *reader, xt_location_entry *entry,
                 bool *more)
{
    *more = reader->at != reader->end;
    if (!*more) {
        return XT_OK;
    }
    const unsigned char *bytes = reader->at;
    int64_t before = reader->line;
    if (pass(reader) != XT_OK) {
        return XT_CORRUPT;
    }
    *entry = (xt_location_entry){
        .bytes = bytes,
        .bytes_len = (uint32_t)(reader->at - bytes),
        .line_before = (int32_t)before,
        .line = (int32_t)reader->line,
        .end = reader->unit,
        .units = (uint8_t)units_of(*bytes),
        .has_line = has_line(*bytes, reader->line),
    };
    return XT_OK;
}

/* The same for an entry of which only the line matters. */
static inline xt_status
pass_line(xt_location_reader *reader, int32_t *line)
{
    unsigned head = *reader->at;
    if (pass(reader) != XT_OK) {
        return XT_CORRUPT;
    }
    *line = has_line(head, reader->line) ? (int32_t)reader->line : -1;
    return XT_OK;
}

xt_status
xt_location_next_line(xt_location_reader *reader, int32_t *line, bool *more)
{
    *more = reader->at != reader->end;
    return *more ? pass_line(reader, line) : XT_OK;
}

/* Whether the next entry, of which there is one, is of the same line as the
   one before, which has one: as far as that is plain to see. */
typedef enum { OTHER_LINE, SAME_LINE, NOT_PLAIN } same_line;

static inline same_line
stays(const xt_location_reader *reader)
{
    unsigned kind = kind_of(*reader->at);
    if (kind == KIND_NO_COLUMNS || kind == KIND_LONG) {
        unsigned delta = reader->end - reader->at > 1 ? reader->at[1] : 0xff;
        return delta == 0                   ? SAME_LINE
               : delta > 1 && delta <= 0x3f ? OTHER_LINE
                                            : NOT_PLAIN;
    }
    return kind <= KIND_ONE_LINE ? SAME_LINE : OTHER_LINE;
}

xt_status
xt_location_next_run(xt_location_reader *reader, int32_t *line, bool *more)
{
    xt_location_reader now = *reader;
    int32_t first = *line;
    *more = now.at != now.end;
    xt_status status = *more ? pass_line(&now, &first) : XT_OK;
    while (status == XT_OK && now.at != now.end) {
        same_line same = first == -1 ? NOT_PLAIN : stays(&now);
        if (same == SAME_LINE) {
            now.unit += units_of(*now.at++);
            skip_rest(&now);
            continue;
        }
        if (same == OTHER_LINE) {
            break;
        }
        xt_location_reader ahead = now;
        int32_t next = 0;
        status = pass_line(&ahead, &next);
        if (status != XT_OK || next != first) {
            break;
        }
        now = ahead;
    }
    *reader = now;
    *line = first;
    return status;
}

xt_location
xt_location_of(const xt_location_entry *entry)
{
    xt_location place = {
        .has_line = entry->has_line,
        .line = entry->line,
        .end_line = entry->line,
        .column = -1,
        .end_column = -1,
    };
    xt_location_reader reader = {
        .at = entry->bytes + 1,
        .end = entry->bytes + entry->bytes_len,
    };
    unsigned kind = kind_of(*entry->bytes);
    int64_t delta;
    (void)read_step(&reader, kind, &delta); /* it could be read once */
    read_columns(&reader, kind, &place);
    return place;
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
xt_location_write_entry(xt_location_writer *writer,
                        const xt_location_entry *entry, size_t units)
{
    if (units == entry->units) {
        return xt_location_write_entries(writer, entry, 1);
    }
    const xt_location place = xt_location_of(entry);
    return xt_location_write(writer, &place, units);
}

xt_status
xt_location_write_entries(xt_location_writer *writer,
                          const xt_location_entry *entries, size_t len)
{
    /* From the first one whose line is told from the writer's on, so are all
       that follow. */
    for (; len > 0 && entries->line_before != writer->line; entries++, len--) {
        const xt_location place = xt_location_of(entries);
        if (xt_location_write(writer, &place, entries->units) != XT_OK) {
            return XT_NOMEM;
        }
    }
    if (len == 0) {
        return XT_OK;
    }
    const xt_location_entry *last = &entries[len - 1];
    writer->line = last->line;
    return xt_buf_append(
        &writer->table, (const char *)entries->bytes,
        (size_t)(last->bytes + last->bytes_len - entries->bytes));
}

xt_status
xt_location_collect(const void *table, size_t len, int64_t first_line,
                    xt_location_lines *into)
{
    xt_location_reader reader;
    xt_location_start(&reader, table, len, first_line);
    int64_t last = -1;
    for (;;) {
        int32_t line;
        bool more;
        xt_status status = xt_location_next_line(&reader, &line, &more);
        if (status != XT_OK || !more) {
            return status;
        }
        if (line == -1) {
            into->has_gap = true;
            continue;
        }
        if (line == last || line < 0 || (size_t)line > into->limit) {
            continue;
        }
        status = xt_bitset_add(&into->lines, (size_t)line);
        if (status != XT_OK) {
            return status;
        }
        last = line;
    }
}
