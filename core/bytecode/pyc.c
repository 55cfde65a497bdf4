// SPDX-License-Identifier: Apache-2.0
/* Marshal writes an object that occurs twice only once: its first occurrence
   carries a flag and so gets the next number, every further one is that
   number. Location tables are bytes, so only bytes need to be found again. */
#include "pyc.h"

#include "cursor.h"
#include "mem.h"

enum {
    HEADER = 16,
    FLAG_REF = 0x80,
    MAX_DEPTH = 400, /* of nested code and tuples; a compiler stops at 100 */
};

typedef struct {
    const uint8_t *bytes; /* borrowed; NULL for anything but bytes */
    size_t len;
} shared;

typedef struct {
    xt_cursor cur;
    shared *refs; /* owned */
    size_t n_refs;
    size_t cap_refs;
    unsigned depth;
    xt_location_lines *into; /* borrowed */
} reader;

static xt_status read_object(reader *r, shared *bytes);

static xt_status
read_u32(reader *r, uint32_t *value)
{
    uint64_t number;
    if (!xt_cursor_number(&r->cur, 4, &number)) {
        return XT_CORRUPT;
    }
    *value = (uint32_t)number;
    return XT_OK;
}

static xt_status
skip(reader *r, uint64_t len)
{
    const uint8_t *bytes;
    return xt_cursor_take(&r->cur, len, &bytes) ? XT_OK : XT_CORRUPT;
}

/* Reads a length of `size` bytes and steps over so many bytes. */
static xt_status
skip_sized(reader *r, unsigned size, shared *bytes)
{
    uint64_t len;
    if (!xt_cursor_number(&r->cur, size, &len) ||
        !xt_cursor_take(&r->cur, len, &bytes->bytes)) {
        return XT_CORRUPT;
    }
    bytes->len = (size_t)len;
    return XT_OK;
}

static xt_status
skip_objects(reader *r, uint64_t n)
{
    xt_status status = XT_OK;
    /* Every object takes a byte at least, so a forged count ends soon. */
    for (uint64_t i = 0; i < n && status == XT_OK; i++) {
        shared ignored;
        status = read_object(r, &ignored);
    }
    return status;
}

/* Reads a count of `size` bytes and steps over so many objects. */
static xt_status
skip_counted(reader *r, unsigned size)
{
    uint64_t n;
    if (!xt_cursor_number(&r->cur, size, &n)) {
        return XT_CORRUPT;
    }
    return skip_objects(r, n);
}

/* A big integer: the number of its 15-bit digits, negative for a negative
   one, then the digits. */
static xt_status
skip_long(reader *r)
{
    uint32_t n;
    xt_status status = read_u32(r, &n);
    if (status != XT_OK) {
        return status;
    }
    uint64_t digits = n > INT32_MAX ? (uint64_t)UINT32_MAX + 1 - n : n;
    return skip(r, digits * 2);
}

static xt_status
read_code(reader *r)
{
    enum {
        NUMBERS = 5, /* argument counts, stack size, flags */
        OBJECTS = 8, /* code, constants, names, ..., qualified name */
    };
    xt_status status = skip(r, (uint64_t)NUMBERS * 4);
    if (status == XT_OK) {
        status = skip_objects(r, OBJECTS);
    }
    uint32_t first_line = 0;
    if (status == XT_OK) {
        status = read_u32(r, &first_line);
    }
    shared table = {0};
    if (status == XT_OK) {
        status = read_object(r, &table);
    }
    if (status == XT_OK && table.bytes == NULL) {
        status = XT_CORRUPT;
    }
    if (status == XT_OK) {
        status = xt_location_collect(table.bytes, table.len,
                                     (int32_t)first_line, r->into);
    }
    return status == XT_OK ? skip_objects(r, 1) : status;
}

static xt_status
read_reference(reader *r, shared *bytes)
{
    uint32_t index;
    xt_status status = read_u32(r, &index);
    if (status == XT_OK && index >= r->n_refs) {
        status = XT_CORRUPT;
    }
    if (status == XT_OK) {
        *bytes = r->refs[index];
    }
    return status;
}

/* Reads what follows the type of an object. */
static xt_status
read_body(reader *r, uint8_t type, shared *bytes)
{
    shared ignored;
    switch (type) {
    case 'N':
    case 'F':
    case 'T':
    case '.':
        return XT_OK;
    case 'i':
        return skip(r, 4);
    case 'g':
        return skip(r, 8);
    case 'y':
        return skip(r, 16);
    case 'l':
        return skip_long(r);
    case 's':
        return skip_sized(r, 4, bytes);
    case 'a':
    case 'A':
    case 't':
    case 'u':
        return skip_sized(r, 4, &ignored);
    case 'z':
    case 'Z':
        return skip_sized(r, 1, &ignored);
    case ')':
        return skip_counted(r, 1);
    case '(':
    case '>':
        return skip_counted(r, 4);
    case ':': /* a slice, from 3.14 on */
        return skip_objects(r, 3);
    case 'c':
        return read_code(r);
    default:
        return XT_UNSUPPORTED;
    }
}

/* Reads one object. If it is bytes, *bytes is where they lie, and otherwise
   its pointer is NULL. */
static xt_status
read_object(reader *r, shared *bytes)
{
    uint64_t byte;
    *bytes = (shared){0};
    if (!xt_cursor_number(&r->cur, 1, &byte)) {
        return XT_CORRUPT;
    }
    uint8_t type = (uint8_t)byte & (uint8_t)~FLAG_REF;
    if (type == 'r') {
        return read_reference(r, bytes);
    }
    /* Singletons are never numbered. */
    bool numbered = (byte & FLAG_REF) != 0 && type != 'N' && type != 'F' &&
                    type != 'T' && type != '.';
    size_t number = r->n_refs;
    if (numbered) {
        shared *refs =
            xt_grow(r->refs, &r->cap_refs, r->n_refs + 1, sizeof(*refs));
        if (refs == NULL) {
            return XT_NOMEM;
        }
        r->refs = refs;
        r->refs[r->n_refs++] = *bytes;
    }
    if (r->depth == MAX_DEPTH) {
        return XT_UNSUPPORTED;
    }
    r->depth++;
    xt_status status = read_body(r, type, bytes);
    r->depth--;
    if (numbered && status == XT_OK) {
        r->refs[number] = *bytes;
    }
    return status;
}

xt_status
xt_pyc_collect(const void *bytes, size_t len, xt_location_lines *into)
{
    reader r = {.into = into};
    r.cur.p = bytes;
    r.cur.end = r.cur.p + len;
    xt_status status = skip(&r, HEADER);
    if (status == XT_OK) {
        shared ignored;
        status = read_object(&r, &ignored);
    }
    xt_free(r.refs);
    return status;
}
