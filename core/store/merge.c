// SPDX-License-Identifier: Apache-2.0
#include "merge.h"

#include <string.h>

#include "cursor.h"
#include "mem.h"
#include "utf8.h"

enum { NOTHING = -1 }; /* in a file, in place of a string */

static const uint8_t *
find_section(const xt_section *sections, size_t count, uint32_t kind,
             size_t *len)
{
    for (size_t i = 0; i < count; i++) {
        if (sections[i].kind == kind) {
            *len = (size_t)sections[i].len;
            return sections[i].bytes;
        }
    }
    *len = 0;
    return NULL;
}

static int64_t
number_at(const uint8_t *bytes)
{
    return (int64_t)xt_cursor_word(bytes);
}

void
xt_merge_fini(xt_merge *merge)
{
    xt_strtab_fini(&merge->strings);
    for (size_t i = 0; i < XT_MERGESPECS; i++) {
        xt_free(merge->tables[i].rows);
        xt_rowindex_fini(&merge->tables[i].index);
    }
    xt_free(merge->numbers);
    xt_free(merge->notes);
    *merge = (xt_merge){0};
}

/* --- Checking a file ----------------------------------------------------- */

typedef struct {
    const uint8_t *bytes; /* the whole file */
    const xt_section *sections;
    size_t count;
    xt_tables_fault *fault;
} source;

static xt_status
refuse(const source *file, const uint8_t *at, const char *what)
{
    *file->fault = (xt_tables_fault){(size_t)(at - file->bytes), what};
    return XT_CORRUPT;
}

static xt_status
check_kinds(const source *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const xt_section *section = &file->sections[i];
        for (size_t j = 0; j < i; j++) {
            if (file->sections[j].kind == section->kind) {
                return refuse(file, section->bytes, "two sections of a kind");
            }
        }
        unsigned columns;
        if (xt_mergespec_columns(section->kind, &columns) &&
            section->columns != columns) {
            return refuse(file, section->bytes, "other columns");
        }
    }
    return XT_OK;
}

/* Interns one string. In files of one program it is most often the one behind
   the last. */
static xt_status
take_string(xt_merge *merge, const source *file, const uint8_t *bytes,
            size_t len, uint32_t *last)
{
    if (*last < merge->strings.count) {
        size_t known_len;
        const char *known =
            xt_strtab_get(&merge->strings, *last + 1, &known_len);
        if (known_len == len && (len == 0 || memcmp(known, bytes, len) == 0)) {
            ++*last;
            return XT_OK;
        }
    }
    if (!xt_utf8_is_valid(bytes, len)) {
        return refuse(file, bytes, "a string that is not UTF-8");
    }
    return xt_strtab_intern(&merge->strings, (const char *)bytes, len, last);
}

static xt_status
take_strings(xt_merge *merge, const source *file)
{
    size_t ends_len, len;
    const uint8_t *ends = find_section(file->sections, file->count,
                                       XT_MERGE_STRING_ENDS, &ends_len);
    const uint8_t *bytes =
        find_section(file->sections, file->count, XT_MERGE_STRING_BYTES, &len);
    size_t count = ends_len / 8;
    merge->nnumbers = 0;
    if (count == 0) {
        return XT_OK;
    }
    uint32_t *numbers = xt_grow(merge->numbers, &merge->numbers_cap, count,
                                sizeof(*merge->numbers));
    if (numbers == NULL) {
        return XT_NOMEM;
    }
    merge->numbers = numbers;
    static const uint8_t none[1] = {0};
    bytes = bytes == NULL ? none : bytes;
    size_t start = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t end = (uint64_t)number_at(ends + 8 * i);
        if (end < start || end > len) {
            return refuse(file, ends + 8 * i, "strings out of place");
        }
        xt_status status = take_string(merge, file, bytes + start,
                                       (size_t)end - start, &last);
        if (status != XT_OK) {
            return status;
        }
        numbers[i] = last;
        start = (size_t)end;
    }
    merge->nnumbers = count;
    return XT_OK;
}

static bool
is_branch_kind(const xt_merge *merge, uint32_t string)
{
    size_t len;
    const char *text = xt_strtab_get(&merge->strings, string, &len);
    return xt_mergespec_is_branch_kind(text, len);
}

/* What is wrong with a row of a file, or NULL. Sets its key: strings have the
   numbers of the merge. */
static const char *
read_row(const xt_merge *merge, const xt_mergespec *spec, const uint8_t *row,
         int64_t *key)
{
    for (unsigned i = 0; i < spec->columns; i++) {
        int64_t number = number_at(row + 8 * (size_t)i);
        if ((spec->texts >> i & 1) == 0) {
            key[i] = number;
        }
        else if (number == NOTHING && (spec->optional >> i & 1) != 0) {
            key[i] = XT_STRTAB_NONE;
        }
        else if (number < 0 || (uint64_t)number >= merge->nnumbers) {
            return "there is no such string";
        }
        else {
            key[i] = merge->numbers[number];
        }
    }
    for (unsigned i = spec->columns - spec->sums; i < spec->columns; i++) {
        if (key[i] < 0) {
            return "a count below zero";
        }
    }
    if (spec->is_branch) {
        bool known = is_branch_kind(merge, (uint32_t)key[1]);
        if (!known || (key[6] != 0 && key[6] != 1)) {
            return "there is no such branch";
        }
    }
    if (spec->is_edge) {
        if (key[0] == XT_STRTAB_NONE) {
            key[1] = NOTHING;
            key[2] = XT_STRTAB_NONE;
        }
        else if (key[2] == XT_STRTAB_NONE) {
            return "there is no such string";
        }
    }
    return NULL;
}

static xt_status
check_rows(const xt_merge *merge, const source *file, const xt_mergespec *spec)
{
    size_t len;
    const uint8_t *rows =
        find_section(file->sections, file->count, spec->kind, &len);
    size_t width = 8 * (size_t)spec->columns;
    int64_t key[XT_MERGESPEC_WIDEST] = {0};
    for (size_t at = 0; at < len; at += width) {
        const char *what = read_row(merge, spec, rows + at, key);
        if (what != NULL) {
            return refuse(file, rows + at, what);
        }
    }
    return XT_OK;
}

static xt_status
take_notes(xt_merge *merge, const source *file)
{
    size_t len;
    const uint8_t *rows =
        find_section(file->sections, file->count, XT_MERGE_NOTES, &len);
    size_t count = len / 8;
    merge->nnotes = 0;
    if (count == 0) {
        return XT_OK;
    }
    uint32_t *notes =
        xt_grow(merge->notes, &merge->notes_cap, count, sizeof(*merge->notes));
    if (notes == NULL) {
        return XT_NOMEM;
    }
    merge->notes = notes;
    for (size_t i = 0; i < count; i++) {
        int64_t number = number_at(rows + 8 * i);
        if (number < 0 || (uint64_t)number >= merge->nnumbers) {
            return refuse(file, rows + 8 * i, "there is no such string");
        }
        notes[i] = merge->numbers[number];
    }
    merge->nnotes = count;
    return XT_OK;
}

static xt_status
check_file(xt_merge *merge, const source *file)
{
    xt_status status = check_kinds(file);
    if (status == XT_OK) {
        status = take_strings(merge, file);
    }
    if (status == XT_OK) {
        status = take_notes(merge, file);
    }
    for (size_t i = 0; i < XT_MERGESPECS && status == XT_OK; i++) {
        status = check_rows(merge, file, &xt_mergespecs[i]);
    }
    return status;
}

/* --- Adding -------------------------------------------------------------- */

static unsigned
key_width(const xt_mergespec *spec)
{
    return spec->columns - spec->sums;
}

static bool
is_row(const xt_merge_table *table, const xt_mergespec *spec, size_t row,
       const int64_t *key)
{
    const int64_t *known = table->rows + row * spec->columns;
    unsigned width = key_width(spec);
    for (unsigned i = 0; i < width; i++) {
        if (known[i] != key[i]) {
            return false;
        }
    }
    return true;
}

/* Sets *row to the row with that key, which is added with no hits if it is
   new. */
static xt_status
find_row(xt_merge_table *table, const xt_mergespec *spec, const int64_t *key,
         size_t *row)
{
    if (table->next < table->count && is_row(table, spec, table->next, key)) {
        *row = table->next;
        return XT_OK;
    }
    xt_status status = xt_rowindex_reserve(&table->index);
    if (status != XT_OK) {
        return status;
    }
    unsigned width = key_width(spec);
    uint32_t hash = xt_rowindex_hash(&table->index, key, width * sizeof(*key));
    xt_rowindex_probe probe = xt_rowindex_start(&table->index, hash);
    while (xt_rowindex_next(&table->index, &probe)) {
        if (is_row(table, spec, probe.row, key)) {
            *row = probe.row;
            return XT_OK;
        }
    }
    int64_t *rows =
        xt_grow(table->rows, &table->cap, (table->count + 1) * spec->columns,
                sizeof(*table->rows));
    if (rows == NULL) {
        return XT_NOMEM;
    }
    table->rows = rows;
    int64_t *added = rows + table->count * spec->columns;
    memcpy(added, key, width * sizeof(*key));
    memset(added + width, 0, spec->sums * sizeof(*key));
    xt_rowindex_put(&table->index, hash, (uint32_t)table->count);
    *row = table->count++;
    return XT_OK;
}

static xt_status
add_row(xt_merge *merge, xt_merge_table *table, const xt_mergespec *spec,
        const int64_t *key)
{
    size_t row;
    xt_status status = find_row(table, spec, key, &row);
    if (status != XT_OK) {
        return status;
    }
    table->next = row + 1;
    int64_t *known = table->rows + row * spec->columns;
    for (unsigned i = key_width(spec); i < spec->columns; i++) {
        if (key[i] > INT64_MAX - known[i]) {
            merge->too_large = true;
        }
        else {
            known[i] += key[i];
        }
    }
    return XT_OK;
}

static xt_status
add_rows(xt_merge *merge, const source *file, size_t number)
{
    size_t len;
    const xt_mergespec *spec = &xt_mergespecs[number];
    xt_merge_table *table = &merge->tables[number];
    const uint8_t *rows =
        find_section(file->sections, file->count, spec->kind, &len);
    size_t width = 8 * (size_t)spec->columns;
    int64_t key[XT_MERGESPEC_WIDEST] = {0};
    xt_status status = XT_OK;
    table->next = 0;
    for (size_t at = 0; at < len && status == XT_OK; at += width) {
        (void)read_row(merge, spec, rows + at, key);
        status = add_row(merge, table, spec, key);
    }
    return status;
}

xt_status
xt_merge_add(xt_merge *merge, const uint8_t *bytes, size_t len,
             xt_tables_fault *fault)
{
    xt_section *sections;
    size_t count;
    *fault = (xt_tables_fault){0};
    xt_status status = xt_tables_read(bytes, len, &sections, &count, fault);
    if (status != XT_OK) {
        return status;
    }
    const source file = {bytes, sections, count, fault};
    status = check_file(merge, &file);
    for (size_t i = 0; i < XT_MERGESPECS && status == XT_OK; i++) {
        status = add_rows(merge, &file, i);
    }
    xt_free(sections);
    return status;
}

/* --- Names of files ------------------------------------------------------ */

xt_status
xt_merge_paths(const xt_merge *merge, xt_bitset *found)
{
    for (size_t number = 0; number < XT_MERGESPECS; number++) {
        const xt_mergespec *spec = &xt_mergespecs[number];
        const xt_merge_table *table = &merge->tables[number];
        size_t numbers = table->count * spec->columns;
        for (size_t at = 0; at < numbers; at++) {
            bool path = (spec->paths >> (at % spec->columns) & 1) != 0;
            if (!path || table->rows[at] == XT_STRTAB_NONE) {
                continue;
            }
            xt_status status = xt_bitset_add(found, (size_t)table->rows[at]);
            if (status != XT_OK) {
                return status;
            }
        }
    }
    return XT_OK;
}

static xt_status
rename_table(xt_merge *merge, size_t number, const uint32_t *names)
{
    const xt_mergespec *spec = &xt_mergespecs[number];
    xt_merge_table old = merge->tables[number];
    xt_merge_table *table = &merge->tables[number];
    *table = (xt_merge_table){0};
    int64_t key[XT_MERGESPEC_WIDEST] = {0};
    xt_status status = XT_OK;
    for (size_t row = 0; row < old.count && status == XT_OK; row++) {
        memcpy(key, old.rows + row * spec->columns,
               spec->columns * sizeof(*key));
        for (unsigned i = 0; i < spec->columns; i++) {
            if ((spec->paths >> i & 1) != 0) {
                key[i] = names[key[i]];
            }
        }
        status = add_row(merge, table, spec, key);
    }
    xt_free(old.rows);
    xt_rowindex_fini(&old.index);
    return status;
}

xt_status
xt_merge_rename(xt_merge *merge, const xt_merge_text *from,
                const xt_merge_text *to, size_t count)
{
    uint32_t *pairs = xt_malloc(2 * count * sizeof(*pairs));
    if (pairs == NULL) {
        return XT_NOMEM;
    }
    xt_status status = XT_OK;
    for (size_t i = 0; i < count && status == XT_OK; i++) {
        status = xt_strtab_intern(&merge->strings, from[i].bytes, from[i].len,
                                  &pairs[2 * i]);
        if (status == XT_OK) {
            status = xt_strtab_intern(&merge->strings, to[i].bytes, to[i].len,
                                      &pairs[2 * i + 1]);
        }
    }
    uint32_t *names = NULL;
    if (status == XT_OK) {
        names = xt_malloc((merge->strings.count + 1) * sizeof(*names));
        status = names == NULL ? XT_NOMEM : XT_OK;
    }
    if (status == XT_OK) {
        for (size_t i = 0; i <= merge->strings.count; i++) {
            names[i] = (uint32_t)i;
        }
        for (size_t i = 0; i < count; i++) {
            names[pairs[2 * i]] = pairs[2 * i + 1];
        }
    }
    for (size_t i = 0; i < XT_MERGESPECS && status == XT_OK; i++) {
        status = rename_table(merge, i, names);
    }
    xt_free(names);
    xt_free(pairs);
    return status;
}
