// SPDX-License-Identifier: Apache-2.0
/* Interned strings: equal bytes get one number, numbers count up from 1.
 *
 * The number 0 means "no string" (Python's None), which differs from the
 * empty string. Workload: a few thousand file, module and function names,
 * each looked up many times while a counts file is read.
 */
#ifndef XT_STRTAB_H
#define XT_STRTAB_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "rowindex.h"
#include "status.h"

enum { XT_STRTAB_NONE = 0 };

typedef struct {
    size_t start; /* offset in the table's bytes */
    size_t len;
} xt_strtab_entry;

/* Zero is a valid empty table. */
typedef struct {
    xt_buf bytes;             /* all strings, one behind the other */
    xt_strtab_entry *entries; /* owned; string i is entries[i - 1] */
    size_t count;
    size_t cap; /* of entries */
    xt_rowindex index;
} xt_strtab;

void xt_strtab_fini(xt_strtab *tab);

/* Sets *id to the number of the string, which is added (as a copy) when it
   is new. On failure (XT_NOMEM; XT_UNSUPPORTED: 2**32 strings) the table
   and *id are as they were. */
xt_status xt_strtab_intern(xt_strtab *tab, const char *bytes, size_t len,
                           uint32_t *id);

/* The bytes of string `id` (from 1 to count), not ended by a zero byte;
   borrowed until the next string is added. */
const char *xt_strtab_get(const xt_strtab *tab, uint32_t id, size_t *len);

#endif
