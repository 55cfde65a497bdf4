// SPDX-License-Identifier: Apache-2.0
/* The results of a run, in memory: how often lines ran, which functions were
 * called, and which function called which.
 *
 * Strings (UTF-8 as utf8.h has it) and functions are numbered; rows hold the
 * numbers. Rows keep the order in which they came, and each key has one row.
 */
#ifndef XT_TALLY_H
#define XT_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "rowindex.h"
#include "status.h"
#include "strtab.h"

typedef struct {
    int64_t line;
    int64_t count; /* never negative */
    uint32_t file; /* string */
} xt_tally_count;

typedef struct {
    uint32_t file;   /* string */
    uint32_t module; /* string, or XT_STRTAB_NONE */
    uint32_t name;   /* string; XT_STRTAB_NONE: see xt_tally_add_named_call */
    uint32_t called; /* 1: it is one of the called functions */
} xt_tally_function;

/* Numbers of functions, from 0. */
typedef struct {
    uint32_t caller;
    uint32_t callee;
} xt_tally_call;

/* Zero is a valid empty tally. The arrays are owned. */
typedef struct {
    xt_strtab strings;
    xt_tally_count *counts;
    size_t ncounts, counts_cap;
    xt_rowindex counts_index;
    xt_tally_function *functions; /* called ones and those in calls */
    size_t nfunctions, functions_cap;
    xt_rowindex functions_index;
    xt_tally_call *calls;
    size_t ncalls, calls_cap;
    xt_rowindex calls_index;
} xt_tally;

/* Each function below that adds something returns XT_OK, or XT_NOMEM (or
   XT_UNSUPPORTED: more than 2**32 rows) with the tally as it was. Numbers of
   strings come from xt_strtab_intern(&tally->strings, ...). */

void xt_tally_fini(xt_tally *tally);

/* Sets the count of a line, in place of what it was before. */
xt_status xt_tally_set_count(xt_tally *tally, uint32_t file, int64_t line,
                             int64_t count);

/* The count of a line, or -1 when it has none. */
int64_t xt_tally_get_count(const xt_tally *tally, uint32_t file, int64_t line);

/* Sets *function to the number of the function, new or known. */
xt_status xt_tally_function_number(xt_tally *tally, uint32_t file,
                                   uint32_t module, uint32_t name,
                                   uint32_t *function);

/* Notes that a function was called. */
void xt_tally_set_called(xt_tally *tally, uint32_t function);

/* Notes that one function called another. */
xt_status xt_tally_add_call(xt_tally *tally, uint32_t caller, uint32_t callee);

/* Notes a call that is a mere string, as only hand-made results hold it: as a
   call within a function that has the string for a file and no name. */
xt_status xt_tally_add_named_call(xt_tally *tally, uint32_t string);

/* Whether the call was noted so. */
static inline int
xt_tally_is_named_call(const xt_tally *tally, const xt_tally_call *call)
{
    return tally->functions[call->caller].name == XT_STRTAB_NONE;
}

#endif
