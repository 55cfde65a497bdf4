// SPDX-License-Identifier: Apache-2.0
/* Parts of what was counted: which lines ran in which context.
 *
 * Workload: once at the end of every test of a test run, for the lines that
 * ran in it.
 */
#ifndef XT_PARTS_H
#define XT_PARTS_H

#include "files.h"

/* A row of what was counted in a context, as a counts file has them. */
typedef struct {
    int64_t context;
    int64_t file;
    int64_t line;
    int64_t hits;
} parted_row;

/* Zero memory is valid and empty. */
typedef struct {
    parted_row *items; /* owned */
    size_t len;
    size_t cap;
} parted_rows;

/* The number of a context or file in a dict {name: number}, where a new one
   gets the next. -1 with an exception. */
int64_t parts_number(PyObject *numbers, PyObject *name);

/* Parts what was hit since the last parts_take() or flush_files() from what
   will be, and adds a row for each line of it to `rows` unless that is NULL.
   `numbers`: dict {name: number} where files get the next number. -1 with an
   exception; rows are missing then, but no hit is lost. */
int parts_take(file_table *table, PyObject *numbers, int64_t context,
               parted_rows *rows);

#endif
