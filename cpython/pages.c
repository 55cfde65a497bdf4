// SPDX-License-Identifier: Apache-2.0
#include "pages.h"

#include "kept.h"
#include "mem.h"

void
pages_begin(file_table *table, xt_journal *journal)
{
    table->journal = journal;
}

void
pages_end(file_table *table)
{
    table->journal = NULL;
    for (size_t i = 0; i < table->len; i++) {
        xt_free(table->items[i]->pages);
        table->items[i]->pages = NULL;
        table->items[i]->pages_cap = 0;
    }
}

/* The counters of the page that a line is on, or NULL. */
static uint64_t *
find_page(file_table *table, traced_file *file, size_t number)
{
    if (number >= file->pages_cap) {
        size_t cap = file->pages_cap;
        uint64_t **pages =
            xt_grow(file->pages, &cap, number + 1, sizeof(*pages));
        if (pages == NULL) {
            return NULL;
        }
        memset(pages + file->pages_cap, 0,
               (cap - file->pages_cap) * sizeof(*pages));
        file->pages = pages;
        file->pages_cap = cap;
    }
    uint32_t name;
    if (file->pages[number] == NULL &&
        kept_string(table->journal, file->name, &name)) {
        (void)xt_journal_add_lines(table->journal, name,
                                   (uint32_t)number * XT_JOURNAL_PAGE,
                                   &file->pages[number]);
    }
    return file->pages[number];
}

void
files_hit_page(file_table *table, traced_file *file, int line)
{
    uint64_t *page = find_page(table, file, (size_t)line / XT_JOURNAL_PAGE);
    if (page != NULL) {
        page[line % XT_JOURNAL_PAGE]++;
    }
}
