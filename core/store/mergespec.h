// SPDX-License-Identifier: Apache-2.0
/* What the columns of each table of counts are. */
#ifndef XT_MERGESPEC_H
#define XT_MERGESPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XT_MERGESPEC_WIDEST = 8 };

typedef struct {
    uint32_t kind;
    unsigned columns;
    unsigned sums;     /* so many of the last are summed; those before are the
                          key */
    bool is_branch;    /* column 1 is its kind, column 6 its outcome: 0 or 1 */
    bool is_edge;      /* columns 0 to 2 are all there or all nothing */
    unsigned texts;    /* a bit for each column that is a string */
    unsigned optional; /* those of them that may be nothing */
    unsigned paths;    /* those of them that name a file */
} xt_mergespec;

/* In the order in which they are written. */
enum { XT_MERGESPECS = 9 };
extern const xt_mergespec xt_mergespecs[XT_MERGESPECS];

/* Sets *columns to those that a section of this kind must have. Returns
   whether the kind is known. */
bool xt_mergespec_columns(uint32_t kind, unsigned *columns);

/* Whether a string is one of the kinds of branches. */
bool xt_mergespec_is_branch_kind(const char *text, size_t len);

#endif
