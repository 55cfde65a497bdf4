// SPDX-License-Identifier: Apache-2.0
#include "recovered.h"

#include <string.h>

#include "branch.h"
#include "recover.h"
#include "tables.h"

void
xt_recovered_fini(xt_recovered *found)
{
    xt_rows_fini(&found->notes);
    xt_rows_fini(&found->lines);
    xt_rows_fini(&found->sides);
    xt_rows_fini(&found->calls);
    xt_rows_fini(&found->call_graph);
    xt_rows_fini(&found->unsure_high);
    xt_rows_fini(&found->unsure_low);
}

xt_status
xt_recovered_add(xt_rows *rows, const int64_t *key, int64_t count)
{
    int64_t *cell = xt_rows_at(rows, key);
    if (cell == NULL) {
        return XT_NOMEM;
    }
    *cell = count > INT64_MAX - *cell ? INT64_MAX : *cell + count;
    return XT_OK;
}

int64_t
xt_recovered_hits(const uint8_t *at)
{
    uint64_t hits = xt_journal_u64(at);
    return hits > INT64_MAX ? INT64_MAX : (int64_t)hits;
}

/* --- Records that stand for themselves ------------------------------------
 */

static xt_status
add_page(xt_recovered *found, const uint8_t *at)
{
    uint32_t file = xt_journal_u32(at);
    uint32_t first = xt_journal_u32(at + 4);
    xt_status status = XT_OK;
    for (int i = 0; i < XT_JOURNAL_PAGE && status == XT_OK; i++) {
        int64_t hits = xt_recovered_hits(at + 8 + 8 * (size_t)i);
        if (hits > 0) {
            const int64_t key[] = {file, (int64_t)first + i};
            status = xt_recovered_add(&found->lines, key, hits);
        }
    }
    return status;
}

static xt_status
add_call(xt_recovered *found, const uint8_t *at)
{
    int64_t hits = xt_recovered_hits(at + offsetof(xt_journal_call, hits));
    bool by_nobody = xt_journal_u32(at) == XT_JOURNAL_NONE;
    const int64_t key[] = {
        by_nobody ? -1 : (int64_t)xt_journal_u32(at),
        by_nobody ? -1 : (int32_t)xt_journal_u32(at + 16),
        by_nobody ? -1 : (int64_t)xt_journal_u32(at + 4),
        xt_journal_u32(at + 8),
        (int32_t)xt_journal_u32(at + 20),
        xt_journal_u32(at + 12),
    };
    if (hits == 0) {
        return XT_OK;
    }
    xt_status status = xt_recovered_add(&found->call_graph, key, hits);
    return status == XT_OK ? xt_recovered_add(&found->calls, key + 3, hits)
                           : status;
}

static xt_status
add_note(xt_recovered *found, const uint8_t *at)
{
    const int64_t key[] = {xt_journal_u32(at)};
    int64_t *value = xt_rows_at(&found->notes, key);
    if (value == NULL) {
        return XT_NOMEM;
    }
    *value = xt_journal_u32(at + 4);
    return XT_OK;
}

static xt_status
add_body(xt_recovered *found, const uint8_t *content)
{
    bool ended =
        xt_journal_u32(content + offsetof(xt_journal_body, ended)) == 1;
    uint64_t settled =
        xt_journal_u64(content + offsetof(xt_journal_body, settled));
    const uint8_t *lines = content + sizeof(xt_journal_body);
    uint64_t len = xt_journal_u64(lines);
    lines += sizeof(len);
    xt_status status = XT_OK;
    for (uint64_t i = settled; i < len && status == XT_OK; i++) {
        const int64_t key[] = {
            xt_journal_u32(content),
            (int32_t)xt_journal_u32(lines + sizeof(int32_t) * i),
        };
        status = xt_recovered_add(
            ended ? &found->unsure_high : &found->unsure_low, key, 1);
        if (status == XT_OK && ended) {
            status = xt_recovered_add(&found->lines, key, 1);
        }
    }
    return status;
}

xt_status
xt_recovered_add_plain(xt_recovered *found, const xt_journal_plain *plain)
{
    switch (plain->kind) {
    case XT_JOURNAL_NOTE:
        return add_note(found, plain->content);
    case XT_JOURNAL_LINES:
        return add_page(found, plain->content);
    case XT_JOURNAL_CALL:
        return add_call(found, plain->content);
    case XT_JOURNAL_BODY:
        return add_body(found, plain->content);
    default:
        return XT_OK;
    }
}

/* The strings of the file, and behind them the names of kinds of branches. */
static xt_status
write_strings(const xt_journal_content *content, xt_buf *bytes, xt_buf *ends)
{
    xt_status status = XT_OK;
    for (size_t i = 0; i < content->strings_len && status == XT_OK; i++) {
        const xt_journal_string_bytes *string = &content->strings[i];
        status =
            xt_buf_append(bytes, (const char *)string->bytes, string->len);
        const uint64_t end = bytes->len;
        if (status == XT_OK) {
            status = xt_buf_append(ends, (const char *)&end, sizeof(end));
        }
    }
    for (int i = 0; i < XT_BRANCH_KINDS && status == XT_OK; i++) {
        const char *name = xt_branch_names[i];
        status = xt_buf_append(bytes, name, strlen(name));
        const uint64_t end = bytes->len;
        if (status == XT_OK) {
            status = xt_buf_append(ends, (const char *)&end, sizeof(end));
        }
    }
    return status;
}

/* The two tables of unsure lines as one, of four columns. */
static xt_status
join_unsure(xt_recovered *found, xt_rows *joined)
{
    xt_rows *both[2] = {&found->unsure_high, &found->unsure_low};
    /* Each line once, with what is known of the other side. */
    xt_rows index = {.width = 3};
    xt_status status = XT_OK;
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < both[i]->len && status == XT_OK; k++) {
            status = xt_recovered_add(&index, both[i]->cells + 3 * k, 0);
        }
    }
    for (size_t k = 0; k < index.len && status == XT_OK; k++) {
        const int64_t *key = index.cells + 3 * k;
        int64_t row[3] = {key[0], key[1], 0};
        int64_t low = 0;
        for (int i = 0; i < 2; i++) {
            int64_t *cell = xt_rows_at(both[i], key);
            if (cell == NULL) {
                status = XT_NOMEM;
                break;
            }
            *(i == 0 ? &row[2] : &low) = *cell;
        }
        if (status == XT_OK) {
            status = xt_recovered_add(joined, row, low);
        }
    }
    xt_rows_fini(&index);
    return status;
}

static xt_section
section_of(uint32_t kind, const xt_rows *rows)
{
    return (xt_section){
        .kind = kind,
        .columns = (uint32_t)rows->width,
        .bytes = (const uint8_t *)rows->cells,
        .len = rows->len * rows->width * sizeof(int64_t),
    };
}

xt_status
xt_recovered_write(xt_recovered *found, const xt_journal_content *content,
                   xt_buf *out)
{
    xt_buf bytes = {0};
    xt_buf ends = {0};
    xt_rows unsure = {.width = 4};
    xt_status status = write_strings(content, &bytes, &ends);
    if (status == XT_OK) {
        status = join_unsure(found, &unsure);
    }
    if (status == XT_OK) {
        const xt_section sections[] = {
            {.kind = XT_TABLE_STRING_BYTES,
             .bytes = (const uint8_t *)bytes.bytes,
             .len = bytes.len},
            {.kind = XT_TABLE_STRING_ENDS,
             .columns = 1,
             .bytes = (const uint8_t *)ends.bytes,
             .len = ends.len},
            section_of(XT_TABLE_NOTES, &found->notes),
            section_of(XT_TABLE_LINES, &found->lines),
            section_of(XT_TABLE_BRANCHES, &found->sides),
            section_of(XT_TABLE_CALLS, &found->calls),
            section_of(XT_TABLE_CALL_GRAPH, &found->call_graph),
            section_of(XT_TABLE_UNSURE, &unsure),
        };
        status = xt_tables_write(sections,
                                 sizeof(sections) / sizeof(*sections), out);
    }
    xt_buf_fini(&bytes);
    xt_buf_fini(&ends);
    xt_rows_fini(&unsure);
    return status;
}
