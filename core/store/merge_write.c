// SPDX-License-Identifier: Apache-2.0
/* Writing the sum: the strings that it uses in the order of their bytes, and
 * the rows in the order of their numbers. */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* The strings' bytes and ends, the notes, and the tables. */
enum { BYTES, ENDS, NOTES, TABLES, SECTIONS = TABLES + XT_MERGESPECS };

typedef struct {
    const char *bytes; /* borrowed */
    size_t len;
    uint32_t id;
} string;

typedef struct {
    const uint64_t *numbers; /* borrowed: of the whole row */
    unsigned columns;
} row_place;

/* What the sections are made from. */
typedef struct {
    const xt_merge *merge;
    string *strings; /* owned, sorted; those that are used */
    size_t nstrings;
    uint64_t *places;          /* owned; in `strings`, by number */
    xt_buf contents[SECTIONS]; /* owned */
} writing;

static int
compare_strings(const void *a, const void *b)
{
    const string *one = a;
    const string *other = b;
    size_t len = one->len < other->len ? one->len : other->len;
    int order = len == 0 ? 0 : memcmp(one->bytes, other->bytes, len);
    if (order != 0) {
        return order;
    }
    return (one->len > other->len) - (one->len < other->len);
}

static int
compare_rows(const void *a, const void *b)
{
    const row_place *one = a;
    const row_place *other = b;
    for (unsigned i = 0; i < one->columns; i++) {
        int64_t x = (int64_t)one->numbers[i];
        int64_t y = (int64_t)other->numbers[i];
        if (x != y) {
            return x < y ? -1 : 1;
        }
    }
    return 0;
}

static xt_status
find_used(const xt_merge *merge, xt_bitset *used)
{
    for (size_t number = 0; number < XT_MERGESPECS; number++) {
        const xt_mergespec *spec = &xt_mergespecs[number];
        const xt_merge_table *table = &merge->tables[number];
        size_t numbers = table->count * spec->columns;
        for (size_t at = 0; at < numbers; at++) {
            if ((spec->texts >> (at % spec->columns) & 1) == 0) {
                continue;
            }
            xt_status status = xt_bitset_add(used, (size_t)table->rows[at]);
            if (status != XT_OK) {
                return status;
            }
        }
    }
    xt_bitset_remove(used, XT_STRTAB_NONE);
    return XT_OK;
}

static xt_status
append_number(xt_buf *out, uint64_t number)
{
    char bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (char)(uint8_t)(number >> (8 * i));
    }
    return xt_buf_append(out, bytes, sizeof(bytes));
}

static xt_status
sort_strings(writing *all, const xt_bitset *used)
{
    const xt_merge *merge = all->merge;
    all->strings = xt_malloc(merge->strings.count * sizeof(*all->strings));
    all->places = xt_malloc((merge->strings.count + 1) * sizeof(*all->places));
    if (all->strings == NULL || all->places == NULL) {
        return XT_NOMEM;
    }
    for (size_t id = 1; xt_bitset_next(used, &id); id++) {
        string *next = &all->strings[all->nstrings++];
        next->id = (uint32_t)id;
        next->bytes = xt_strtab_get(&merge->strings, next->id, &next->len);
    }
    if (all->nstrings > 0) {
        qsort(all->strings, all->nstrings, sizeof(*all->strings),
              compare_strings);
    }
    for (size_t i = 0; i < all->nstrings; i++) {
        all->places[all->strings[i].id] = i;
    }
    all->places[XT_STRTAB_NONE] = UINT64_MAX;
    return XT_OK;
}

static xt_status
write_strings(writing *all)
{
    xt_buf *bytes = &all->contents[BYTES];
    xt_buf *ends = &all->contents[ENDS];
    xt_status status = XT_OK;
    for (size_t i = 0; i < all->nstrings && status == XT_OK; i++) {
        const string *text = &all->strings[i];
        status = xt_buf_append(bytes, text->bytes, text->len);
        if (status == XT_OK) {
            status = append_number(ends, bytes->len);
        }
    }
    return status;
}

static xt_status
write_rows(const row_place *rows, size_t count, xt_buf *out)
{
    xt_status status = XT_OK;
    for (size_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < rows[i].columns && status == XT_OK; j++) {
            status = append_number(out, rows[i].numbers[j]);
        }
    }
    return status;
}

static xt_status
write_table(writing *all, size_t number)
{
    const xt_mergespec *spec = &xt_mergespecs[number];
    const xt_merge_table *table = &all->merge->tables[number];
    size_t size = table->count * spec->columns;
    uint64_t *numbers = xt_malloc(size * sizeof(*numbers));
    row_place *rows = xt_malloc(table->count * sizeof(*rows));
    xt_status status = XT_NOMEM;
    if (numbers != NULL && rows != NULL) {
        for (size_t at = 0; at < size; at++) {
            int64_t found = table->rows[at];
            bool text = (spec->texts >> (at % spec->columns) & 1) != 0;
            numbers[at] = text ? all->places[found] : (uint64_t)found;
        }
        for (size_t i = 0; i < table->count; i++) {
            rows[i] = (row_place){numbers + i * spec->columns, spec->columns};
        }
        if (table->count > 1) {
            qsort(rows, table->count, sizeof(*rows), compare_rows);
        }
        status =
            write_rows(rows, table->count, &all->contents[TABLES + number]);
    }
    xt_free(rows);
    xt_free(numbers);
    return status;
}

static xt_status
write_notes(writing *all, const uint32_t *notes, size_t count)
{
    xt_buf *out = &all->contents[NOTES];
    xt_status status = XT_OK;
    for (size_t i = 0; i < 2 * count && status == XT_OK; i++) {
        status = append_number(out, all->places[notes[i]]);
    }
    return status;
}

static xt_status
write_file(const writing *all, xt_buf *out)
{
    xt_section sections[SECTIONS];
    size_t count = 0;
    for (size_t i = 0; i < SECTIONS; i++) {
        const xt_buf *content = &all->contents[i];
        uint32_t kind = i < TABLES ? (uint32_t)(XT_MERGE_STRING_BYTES + i)
                                   : xt_mergespecs[i - TABLES].kind;
        unsigned columns = 0;
        if (content->len > 0 && xt_mergespec_columns(kind, &columns)) {
            sections[count++] = (xt_section){
                .kind = kind,
                .columns = columns,
                .bytes = (const uint8_t *)content->bytes,
                .len = content->len,
            };
        }
    }
    return xt_tables_write(sections, count, out);
}

static xt_status
intern_notes(xt_merge *merge, const xt_merge_text *notes, size_t count,
             uint32_t *ids, xt_bitset *used)
{
    xt_status status = XT_OK;
    for (size_t i = 0; i < 2 * count && status == XT_OK; i++) {
        status = xt_strtab_intern(&merge->strings, notes[i].bytes,
                                  notes[i].len, &ids[i]);
        if (status == XT_OK) {
            status = xt_bitset_add(used, ids[i]);
        }
    }
    return status;
}

xt_status
xt_merge_write(xt_merge *merge, const xt_merge_text *notes, size_t count,
               xt_buf *out)
{
    if (merge->too_large) {
        return XT_UNSUPPORTED;
    }
    writing all = {.merge = merge};
    xt_bitset used = {0};
    uint32_t *ids = xt_malloc(2 * count * sizeof(*ids));
    xt_status status = ids == NULL ? XT_NOMEM : find_used(merge, &used);
    if (status == XT_OK) {
        status = intern_notes(merge, notes, count, ids, &used);
    }
    if (status == XT_OK) {
        status = sort_strings(&all, &used);
    }
    if (status == XT_OK) {
        status = write_strings(&all);
    }
    for (size_t i = 0; i < XT_MERGESPECS && status == XT_OK; i++) {
        status = write_table(&all, i);
    }
    if (status == XT_OK) {
        status = write_notes(&all, ids, count);
    }
    if (status == XT_OK) {
        status = write_file(&all, out);
    }
    for (size_t i = 0; i < SECTIONS; i++) {
        xt_buf_fini(&all.contents[i]);
    }
    xt_free(all.strings);
    xt_free(all.places);
    xt_free(ids);
    xt_bitset_fini(&used);
    return status;
}
