// SPDX-License-Identifier: Apache-2.0
#include "strtab.h"

#include <assert.h>
#include <string.h>

#include "mem.h"

void
xt_strtab_fini(xt_strtab *tab)
{
    xt_buf_fini(&tab->bytes);
    xt_free(tab->entries);
    xt_rowindex_fini(&tab->index);
    *tab = (xt_strtab){0};
}

static int
is_entry(const xt_strtab *tab, uint32_t row, const char *bytes, size_t len)
{
    const xt_strtab_entry *entry = &tab->entries[row];
    return entry->len == len &&
           (len == 0 ||
            memcmp(tab->bytes.bytes + entry->start, bytes, len) == 0);
}

xt_status
xt_strtab_intern(xt_strtab *tab, const char *bytes, size_t len, uint32_t *id)
{
    xt_status status = xt_rowindex_reserve(&tab->index);
    if (status != XT_OK) {
        return status;
    }
    uint32_t hash = xt_rowindex_hash(&tab->index, bytes, len);
    xt_rowindex_probe probe = xt_rowindex_start(&tab->index, hash);
    while (xt_rowindex_next(&tab->index, &probe)) {
        if (is_entry(tab, probe.row, bytes, len)) {
            *id = probe.row + 1;
            return XT_OK;
        }
    }
    xt_strtab_entry *entries =
        xt_grow(tab->entries, &tab->cap, tab->count + 1, sizeof(*entries));
    if (entries == NULL) {
        return XT_NOMEM;
    }
    tab->entries = entries;
    size_t start = tab->bytes.len;
    status = xt_buf_append(&tab->bytes, bytes, len);
    if (status != XT_OK) {
        return status;
    }
    tab->entries[tab->count] = (xt_strtab_entry){start, len};
    xt_rowindex_put(&tab->index, hash, (uint32_t)tab->count);
    tab->count++;
    *id = (uint32_t)tab->count;
    return XT_OK;
}

const char *
xt_strtab_get(const xt_strtab *tab, uint32_t id, size_t *len)
{
    assert(id >= 1 && id <= tab->count);
    const xt_strtab_entry *entry = &tab->entries[id - 1];
    *len = entry->len;
    return tab->bytes.bytes + entry->start;
}
