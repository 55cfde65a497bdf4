// SPDX-License-Identifier: Apache-2.0
#include "seen.h"

#include <string.h>

#include "mem.h"
#include "registry.h"

enum { UNUSED_MIN = 4096 }; /* copies that are worth to be moved */

static void
code_free(seen_code *code)
{
    xt_free(code->breaks);
    xt_free(code->outcomes);
    xt_free(code);
}

void
seen_fini(seen_codes *seen)
{
    for (size_t i = 0; i < seen->len; i++) {
        code_free(seen->rows[i].code);
    }
    xt_free(seen->rows);
    xt_free(seen->copies);
    xt_ptrmap_fini(&seen->by_code);
    *seen = (seen_codes){0};
}

/* Makes room for one more. */
static bool
reserve(seen_codes *seen, size_t slots)
{
    seen_row *rows =
        xt_grow(seen->rows, &seen->cap, seen->len + 1, sizeof(*rows));
    if (rows == NULL) {
        return false;
    }
    seen->rows = rows;
    uint64_t *copies = xt_grow(seen->copies, &seen->copies_cap,
                               seen->copies_len + slots, sizeof(*copies));
    if (copies == NULL) {
        return false;
    }
    seen->copies = copies;
    return true;
}

seen_code *
seen_get(seen_codes *seen, const code_entry *entry)
{
    ProbedCodeObject *probed = entry->probed;
    seen_code *code = xt_ptrmap_get(&seen->by_code, probed);
    if (code != NULL) {
        return code;
    }
    uint32_t slots = probed->plan.slots;
    code = reserve(seen, slots) ? xt_malloc(sizeof(*code)) : NULL;
    if (code == NULL || xt_ptrmap_set(&seen->by_code, probed, code) != XT_OK) {
        xt_free(code);
        return NULL;
    }
    *code = (seen_code){.entry = entry, .probed = probed, .row = seen->len};
    /* Nothing in the slots does not say that nothing has run: frames may run
       and have come to no probe. */
    seen->rows[seen->len++] = (seen_row){
        .slots = probed->slots,
        .code = code,
        .at = seen->copies_len,
        .len = slots,
        .dirty = true,
    };
    memset(seen->copies + seen->copies_len, 0, slots * sizeof(*seen->copies));
    seen->copies_len += slots;
    return code;
}

bool
seen_need_outcomes(seen_codes *seen, seen_code *code)
{
    if (code->outcomes != NULL) {
        return true;
    }
    size_t len = code->probed->plan.classes_len + code->probed->points_len;
    /* A byte more, as there may be none. */
    size_t size = len * sizeof(*code->outcomes) + 1;
    code->outcomes = xt_malloc(size);
    if (code->outcomes == NULL) {
        return false;
    }
    memset(code->outcomes, 0, size);
    code->unsettled_before = NULL;
    code->unsettled_next = seen->unsettled;
    if (seen->unsettled != NULL) {
        seen->unsettled->unsettled_before = code;
    }
    seen->unsettled = code;
    return true;
}

void
seen_add_outcomes(seen_code *code, const int64_t *classes,
                  const uint64_t *handled)
{
    size_t len = code->probed->plan.classes_len;
    size_t points = code->probed->points_len;
    for (size_t i = 0; i < len; i++) {
        code->outcomes[i] += classes[i];
    }
    for (size_t i = 0; i < points && handled != NULL; i++) {
        code->outcomes[len + i] += (int64_t)handled[i];
    }
}

void
seen_drop_outcomes(seen_codes *seen, seen_code *code)
{
    if (code->outcomes == NULL) {
        return;
    }
    *(code->unsettled_before == NULL
          ? &seen->unsettled
          : &code->unsettled_before->unsettled_next) = code->unsettled_next;
    if (code->unsettled_next != NULL) {
        code->unsettled_next->unsettled_before = code->unsettled_before;
    }
    xt_free(code->outcomes);
    code->outcomes = NULL;
}

/* Moves the copies that are used together, in the order of the rows. */
static void
compact(seen_codes *seen)
{
    size_t len = seen->copies_len - seen->unused;
    uint64_t *copies = xt_malloc((len + 1) * sizeof(*copies));
    if (copies == NULL) {
        return; /* next time, then */
    }
    size_t at = 0;
    for (size_t i = 0; i < seen->len; i++) {
        seen_row *row = &seen->rows[i];
        memcpy(copies + at, seen->copies + row->at,
               row->len * sizeof(*copies));
        row->at = at;
        at += row->len;
    }
    xt_free(seen->copies);
    seen->copies = copies;
    seen->copies_len = at;
    seen->copies_cap = len + 1;
    seen->unused = 0;
}

void
seen_forget(seen_codes *seen, const ProbedCodeObject *probed)
{
    seen_code *code = xt_ptrmap_get(&seen->by_code, probed);
    if (code == NULL) {
        return;
    }
    (void)xt_ptrmap_remove(&seen->by_code, probed);
    seen_drop_outcomes(seen, code);
    seen_row *row = &seen->rows[code->row];
    seen->unused += row->len;
    *row = seen->rows[--seen->len];
    row->code->row = code->row;
    code_free(code);
    if (seen->unused > UNUSED_MIN && seen->unused > seen->copies_len / 2) {
        compact(seen);
    }
}
