// SPDX-License-Identifier: Apache-2.0
/* What a tracer has taken over already of the probes' counters, and which code
 * has counted something since.
 *
 * Workload: asked at the end of every test of a test run, with thousands of
 * code objects of which few have run since the last time. So the slots are
 * compared with copies that lie in a row, and nothing else is looked at of
 * code that has not run. Exceptions are told of by the code in which they were
 * (probed_types), and frames that run by who has found them.
 */
#ifndef XT_SEEN_H
#define XT_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ptrmap.h"

struct code_entry;
struct probed_code;

/* One code object. */
typedef struct seen_code {
    const struct code_entry *entry; /* borrowed, as is its code: */
    struct probed_code *probed;
    size_t row;
    uint64_t *breaks; /* owned: copies of left, handled, fired; NULL: zeros */
    bool runs;        /* scratch: frames of it were found */
    /* What is harvested and not in the tracer's dicts yet: by class, and then
       how often exceptions came to each instruction. */
    int64_t *outcomes;                  /* owned; NULL: nothing */
    struct seen_code *unsettled_before; /* borrowed: others that have some, */
    struct seen_code *unsettled_next;   /* or NULL */
} seen_code;

/* What is looked at each time. */
typedef struct {
    const uint64_t *slots; /* borrowed from the code */
    seen_code *code;       /* owned */
    size_t at;             /* of their copies among all */
    uint32_t len;
    bool dirty; /* not only the slots may have changed */
} seen_row;

/* Zero memory is valid and empty. */
typedef struct {
    xt_ptrmap by_code; /* ProbedCode -> seen_code */
    seen_row *rows;    /* owned */
    size_t len;
    size_t cap;
    uint64_t *copies; /* owned: of all slots */
    size_t copies_len;
    size_t copies_cap;
    seen_code *unsettled; /* borrowed: a list of those with outcomes */
    size_t unused;        /* of these: of code that is gone */
    uint64_t known;  /* code_registry.probed, when it was last looked at, */
    uint64_t broken; /* and probed_types.broken_times, */
    uint64_t moved;  /* and probed_types.moves */
} seen_codes;

void seen_fini(seen_codes *seen);

/* What is known of an entry's code, which must have probes: made on first
   sight, with nothing taken over. NULL (without an exception) if out of
   memory. */
seen_code *seen_get(seen_codes *seen, const struct code_entry *entry);

/* Makes room for a code's outcomes. False if out of memory. */
bool seen_need_outcomes(seen_codes *seen, seen_code *code);

/* Adds to them; `handled` may be NULL. */
void seen_add_outcomes(seen_code *code, const int64_t *classes,
                       const uint64_t *handled);

/* Drops a code's outcomes. */
void seen_drop_outcomes(seen_codes *seen, seen_code *code);

/* Forgets code that is about to be freed. */
void seen_forget(seen_codes *seen, const struct probed_code *probed);

/* The copies of a code's slots; until something is made or forgotten. */
static inline uint64_t *
seen_slots(const seen_codes *seen, const seen_code *code)
{
    return seen->copies + seen->rows[code->row].at;
}

#endif
