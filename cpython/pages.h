// SPDX-License-Identifier: Apache-2.0
/* Lines that are counted by events, in a journal beside the table of files. */
#ifndef XT_PAGES_H
#define XT_PAGES_H

#include "files.h"
#include "journal.h"

void pages_begin(file_table *table, xt_journal *journal);
void pages_end(file_table *table);

#endif
