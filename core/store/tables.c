// SPDX-License-Identifier: Apache-2.0
#include "tables.h"

#include <string.h>

#include "cursor.h"
#include "hash.h"
#include "mem.h"

static const uint8_t MAGIC[8] = {0x89, 'E', 'X', 'T', '\r', '\n', 0x1A, '\n'};

static uint64_t
check_of(const void *bytes, size_t len)
{
    return xt_hash_bytes(0, 0, bytes, len);
}

static size_t
padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

/* --- Writing ------------------------------------------------------------- */

static void
put_number(uint8_t *at, unsigned size, uint64_t number)
{
    for (unsigned i = 0; i < size; i++) {
        at[i] = (uint8_t)(number >> (8 * i));
    }
}

static int
is_whole_rows(uint32_t columns, uint64_t len)
{
    return columns == 0 || len % (8 * (uint64_t)columns) == 0;
}

/* The length of the whole file, or 0 if no file can hold the sections. */
static size_t
file_length(const xt_section *sections, size_t count)
{
    if (count > XT_TABLES_MAX_SECTIONS) {
        return 0;
    }
    size_t len = XT_TABLES_HEADER + count * XT_TABLES_ENTRY;
    for (size_t i = 0; i < count; i++) {
        const xt_section *section = &sections[i];
        if (section->columns > XT_TABLES_MAX_COLUMNS ||
            !is_whole_rows(section->columns, section->len) ||
            section->len > SIZE_MAX / 2 - len) {
            return 0;
        }
        len += padded((size_t)section->len);
    }
    return len;
}

xt_status
xt_tables_write(const xt_section *sections, size_t count, xt_buf *out)
{
    size_t len = file_length(sections, count);
    if (len == 0) {
        return XT_UNSUPPORTED;
    }
    xt_status status = xt_buf_reserve(out, len);
    if (status != XT_OK) {
        return status;
    }
    uint8_t *file = (uint8_t *)out->bytes + out->len;
    memset(file, 0, len);
    size_t at = XT_TABLES_HEADER + count * XT_TABLES_ENTRY;
    for (size_t i = 0; i < count; i++) {
        const xt_section *section = &sections[i];
        size_t size = (size_t)section->len;
        if (size > 0) {
            memcpy(file + at, section->bytes, size);
        }
        uint8_t *entry = file + XT_TABLES_HEADER + i * XT_TABLES_ENTRY;
        put_number(entry, 4, section->kind);
        put_number(entry + 4, 4, section->columns);
        put_number(entry + 8, 8, at);
        put_number(entry + 16, 8, size);
        put_number(entry + 24, 8, check_of(file + at, size));
        at += padded(size);
    }
    memcpy(file, MAGIC, sizeof(MAGIC));
    put_number(file + 8, 4, XT_TABLES_VERSION);
    put_number(file + 12, 4, count);
    put_number(file + 16, 8, len);
    put_number(file + 24, 8,
               check_of(file + XT_TABLES_HEADER, count * XT_TABLES_ENTRY));
    out->len += len;
    return XT_OK;
}

/* --- Reading ------------------------------------------------------------- */

typedef struct {
    const uint8_t *bytes;
    size_t len;
    xt_tables_fault *fault;
} reader;

static xt_status
refuse(const reader *file, xt_status status, size_t offset, const char *what)
{
    *file->fault = (xt_tables_fault){.offset = offset, .what = what};
    return status;
}

static uint64_t
get_number(const reader *file, size_t at, unsigned size)
{
    xt_cursor cursor = {file->bytes + at, file->bytes + at + size};
    uint64_t number = 0;
    (void)xt_cursor_number(&cursor, size, &number);
    return number;
}

int
xt_tables_is_file(const uint8_t *bytes, size_t len)
{
    return len >= sizeof(MAGIC) && memcmp(bytes, MAGIC, sizeof(MAGIC)) == 0;
}

/* Reads the header; the section table is then within the file. */
static xt_status
read_header(const reader *file, size_t *count)
{
    if (!xt_tables_is_file(file->bytes, file->len)) {
        return refuse(file, XT_CORRUPT, 0, "it does not begin as one");
    }
    if (file->len < XT_TABLES_HEADER) {
        return refuse(file, XT_CORRUPT, file->len, "it ends in its header");
    }
    if (get_number(file, 8, 4) != XT_TABLES_VERSION) {
        return refuse(file, XT_UNSUPPORTED, 8,
                      "a version that this program does not know");
    }
    if (get_number(file, 16, 8) != file->len) {
        return refuse(file, XT_CORRUPT, 16, "it has been cut or extended");
    }
    uint64_t sections = get_number(file, 12, 4);
    if (sections > XT_TABLES_MAX_SECTIONS ||
        sections * XT_TABLES_ENTRY > file->len - XT_TABLES_HEADER) {
        return refuse(file, XT_CORRUPT, 12, "too many sections");
    }
    *count = (size_t)sections;
    if (get_number(file, 24, 8) !=
        check_of(file->bytes + XT_TABLES_HEADER, *count * XT_TABLES_ENTRY)) {
        return refuse(file, XT_CORRUPT, 24, "the section table is damaged");
    }
    return XT_OK;
}

/* Reads one entry of the section table. Content begins at *end, which moves
   on. */
static xt_status
read_section(const reader *file, size_t entry, xt_section *section,
             size_t *end)
{
    uint64_t columns = get_number(file, entry + 4, 4);
    uint64_t offset = get_number(file, entry + 8, 8);
    uint64_t len = get_number(file, entry + 16, 8);
    if (offset != *end) {
        return refuse(file, XT_CORRUPT, entry + 8, "a section out of place");
    }
    if (len > file->len - *end || padded((size_t)len) > file->len - *end) {
        return refuse(file, XT_CORRUPT, entry + 16,
                      "a section longer than the file");
    }
    if (columns > XT_TABLES_MAX_COLUMNS ||
        !is_whole_rows((uint32_t)columns, len)) {
        return refuse(file, XT_CORRUPT, entry + 4, "rows that are not whole");
    }
    const uint8_t *bytes = file->bytes + *end;
    if (get_number(file, entry + 24, 8) != check_of(bytes, (size_t)len)) {
        return refuse(file, XT_CORRUPT, *end, "damaged content");
    }
    *section = (xt_section){
        .kind = (uint32_t)get_number(file, entry, 4),
        .columns = (uint32_t)columns,
        .bytes = bytes,
        .len = len,
    };
    *end += padded((size_t)len);
    return XT_OK;
}

xt_status
xt_tables_read(const uint8_t *bytes, size_t len, xt_section **sections,
               size_t *count, xt_tables_fault *fault)
{
    const reader file = {bytes, len, fault};
    size_t n = 0;
    *sections = NULL;
    *count = 0;
    xt_status status = read_header(&file, &n);
    if (status != XT_OK) {
        return status;
    }
    xt_section *found = xt_malloc(n * sizeof(*found));
    if (found == NULL) {
        return XT_NOMEM;
    }
    size_t end = XT_TABLES_HEADER + n * XT_TABLES_ENTRY;
    for (size_t i = 0; i < n && status == XT_OK; i++) {
        status = read_section(&file, XT_TABLES_HEADER + i * XT_TABLES_ENTRY,
                              &found[i], &end);
    }
    if (status == XT_OK && end != len) {
        status = refuse(&file, XT_CORRUPT, end, "more bytes than sections");
    }
    if (status != XT_OK) {
        xt_free(found);
        return status;
    }
    *sections = found;
    *count = n;
    return XT_OK;
}
