// SPDX-License-Identifier: Apache-2.0
#include "tally.h"

#include <assert.h>

#include "mem.h"

void
xt_tally_fini(xt_tally *tally)
{
    xt_strtab_fini(&tally->strings);
    xt_free(tally->counts);
    xt_rowindex_fini(&tally->counts_index);
    xt_free(tally->functions);
    xt_rowindex_fini(&tally->functions_index);
    xt_free(tally->calls);
    xt_rowindex_fini(&tally->calls_index);
    *tally = (xt_tally){0};
}

static uint32_t
hash_line(const xt_tally *tally, uint32_t file, int64_t line)
{
    const uint64_t key[2] = {file, (uint64_t)line};
    return xt_rowindex_hash(&tally->counts_index, key, sizeof(key));
}

/* The row of a line, or NULL. */
static xt_tally_count *
find_count(const xt_tally *tally, uint32_t file, int64_t line, uint32_t hash)
{
    const xt_rowindex *index = &tally->counts_index;
    xt_rowindex_probe probe = xt_rowindex_start(index, hash);
    while (xt_rowindex_next(index, &probe)) {
        xt_tally_count *row = &tally->counts[probe.row];
        if (row->file == file && row->line == line) {
            return row;
        }
    }
    return NULL;
}

xt_status
xt_tally_set_count(xt_tally *tally, uint32_t file, int64_t line, int64_t count)
{
    assert(file >= 1 && file <= tally->strings.count && count >= 0);
    xt_status status = xt_rowindex_reserve(&tally->counts_index);
    if (status != XT_OK) {
        return status;
    }
    uint32_t hash = hash_line(tally, file, line);
    xt_tally_count *row = find_count(tally, file, line, hash);
    if (row != NULL) {
        row->count = count;
        return XT_OK;
    }
    xt_tally_count *rows = xt_grow(tally->counts, &tally->counts_cap,
                                   tally->ncounts + 1, sizeof(*rows));
    if (rows == NULL) {
        return XT_NOMEM;
    }
    tally->counts = rows;
    rows[tally->ncounts] = (xt_tally_count){line, count, file};
    xt_rowindex_put(&tally->counts_index, hash, (uint32_t)tally->ncounts);
    tally->ncounts++;
    return XT_OK;
}

int64_t
xt_tally_get_count(const xt_tally *tally, uint32_t file, int64_t line)
{
    const xt_tally_count *row =
        find_count(tally, file, line, hash_line(tally, file, line));
    return row == NULL ? -1 : row->count;
}

xt_status
xt_tally_function_number(xt_tally *tally, uint32_t file, uint32_t module,
                         uint32_t name, uint32_t *function)
{
    assert(file >= 1 && file <= tally->strings.count);
    assert(module <= tally->strings.count);
    assert(name <= tally->strings.count);
    xt_rowindex *index = &tally->functions_index;
    xt_status status = xt_rowindex_reserve(index);
    if (status != XT_OK) {
        return status;
    }
    const uint32_t key[3] = {file, module, name};
    uint32_t hash = xt_rowindex_hash(index, key, sizeof(key));
    xt_rowindex_probe probe = xt_rowindex_start(index, hash);
    while (xt_rowindex_next(index, &probe)) {
        const xt_tally_function *row = &tally->functions[probe.row];
        if (row->file == file && row->module == module && row->name == name) {
            *function = probe.row;
            return XT_OK;
        }
    }
    xt_tally_function *rows = xt_grow(tally->functions, &tally->functions_cap,
                                      tally->nfunctions + 1, sizeof(*rows));
    if (rows == NULL) {
        return XT_NOMEM;
    }
    tally->functions = rows;
    rows[tally->nfunctions] = (xt_tally_function){file, module, name, 0};
    *function = (uint32_t)tally->nfunctions;
    xt_rowindex_put(index, hash, *function);
    tally->nfunctions++;
    return XT_OK;
}

void
xt_tally_set_called(xt_tally *tally, uint32_t function)
{
    assert(function < tally->nfunctions);
    tally->functions[function].called = 1;
}

xt_status
xt_tally_add_call(xt_tally *tally, uint32_t caller, uint32_t callee)
{
    assert(caller < tally->nfunctions && callee < tally->nfunctions);
    xt_rowindex *index = &tally->calls_index;
    xt_status status = xt_rowindex_reserve(index);
    if (status != XT_OK) {
        return status;
    }
    const uint32_t key[2] = {caller, callee};
    uint32_t hash = xt_rowindex_hash(index, key, sizeof(key));
    xt_rowindex_probe probe = xt_rowindex_start(index, hash);
    while (xt_rowindex_next(index, &probe)) {
        const xt_tally_call *row = &tally->calls[probe.row];
        if (row->caller == caller && row->callee == callee) {
            return XT_OK;
        }
    }
    xt_tally_call *rows = xt_grow(tally->calls, &tally->calls_cap,
                                  tally->ncalls + 1, sizeof(*rows));
    if (rows == NULL) {
        return XT_NOMEM;
    }
    tally->calls = rows;
    rows[tally->ncalls] = (xt_tally_call){caller, callee};
    xt_rowindex_put(index, hash, (uint32_t)tally->ncalls);
    tally->ncalls++;
    return XT_OK;
}

xt_status
xt_tally_add_named_call(xt_tally *tally, uint32_t string)
{
    uint32_t function;
    xt_status status = xt_tally_function_number(tally, string, XT_STRTAB_NONE,
                                                XT_STRTAB_NONE, &function);
    return status == XT_OK ? xt_tally_add_call(tally, function, function)
                           : status;
}
