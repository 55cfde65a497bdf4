// SPDX-License-Identifier: Apache-2.0
#include "mergespec.h"

#include <string.h>

#define COLUMN(n) (1U << (n))

const xt_mergespec xt_mergespecs[XT_MERGESPECS] = {
    /* lines: file, line, hits */
    {.kind = 4,
     .columns = 3,
     .sums = 1,
     .texts = COLUMN(0),
     .paths = COLUMN(0)},
    /* branches: file, kind, place (4), outcome, hits */
    {
        .kind = 5,
        .columns = 8,
        .sums = 1,
        .is_branch = true,
        .texts = COLUMN(0) | COLUMN(1),
        .paths = COLUMN(0),
    },
    /* calls: file, first line, name, hits */
    {
        .kind = 6,
        .columns = 4,
        .sums = 1,
        .texts = COLUMN(0) | COLUMN(2),
        .paths = COLUMN(0),
    },
    /* call graph: caller (3) or nothing, called (3), hits */
    {
        .kind = 7,
        .columns = 7,
        .sums = 1,
        .is_edge = true,
        .texts = COLUMN(0) | COLUMN(2) | COLUMN(3) | COLUMN(5),
        .optional = COLUMN(0) | COLUMN(2),
        .paths = COLUMN(0) | COLUMN(3),
    },
    /* functions called: file, module, name */
    {
        .kind = 8,
        .columns = 3,
        .texts = COLUMN(0) | COLUMN(1) | COLUMN(2),
        .optional = COLUMN(1),
        .paths = COLUMN(0),
    },
    /* callers: the caller (3), the called (3) */
    {
        .kind = 9,
        .columns = 6,
        .texts = COLUMN(0) | COLUMN(1) | COLUMN(2) | COLUMN(3) | COLUMN(4) |
                 COLUMN(5),
        .optional = COLUMN(1) | COLUMN(4),
        .paths = COLUMN(0) | COLUMN(3),
    },
    /* lines that may be off: file, line, too high by, too low by */
    {
        .kind = 20,
        .columns = 4,
        .sums = 2,
        .texts = COLUMN(0),
        .paths = COLUMN(0),
    },
    /* lines by context: context, file, line, hits */
    {
        .kind = 21,
        .columns = 4,
        .sums = 1,
        .texts = COLUMN(0) | COLUMN(1),
        .paths = COLUMN(1),
    },
    /* sources that contexts are of: file, digest */
    {
        .kind = 22,
        .columns = 2,
        .texts = COLUMN(0) | COLUMN(1),
        .paths = COLUMN(0),
    },
};

bool
xt_mergespec_columns(uint32_t kind, unsigned *columns)
{
    if (kind >= 1 && kind <= 3) { /* strings: bytes, ends; notes */
        *columns = kind - 1;
        return true;
    }
    for (size_t i = 0; i < XT_MERGESPECS; i++) {
        if (xt_mergespecs[i].kind == kind) {
            *columns = xt_mergespecs[i].columns;
            return true;
        }
    }
    return false;
}

bool
xt_mergespec_is_branch_kind(const char *text, size_t len)
{
    static const char *const kinds[] = {"bool", "none", "for", "except"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strlen(kinds[i]) == len && memcmp(kinds[i], text, len) == 0) {
            return true;
        }
    }
    return false;
}
