// SPDX-License-Identifier: Apache-2.0
/* The files that are traced, and how often each of their lines ran.
 *
 * Workload: files_hit() once for every line that runs, files_get() whenever
 * the running frame changes. A file is known by its name as code objects
 * spell it (co_filename). Many string objects may spell one name: the table
 * keeps the ones seen last, so that most look-ups compare one pointer.
 *
 * The GIL guards everything here. Without it a table belongs to one thread,
 * and `lock` guards what others may take out of it meanwhile: `hits` and
 * `parted` of its files, where `items` lie, `log`, `order`, `parted`, `far`
 * and `parted_far`.
 */
#ifndef XT_FILES_H
#define XT_FILES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#include "ranges.h"
#include "runlog.h"
#include "segments.h"
#include "sync.h"

typedef enum {
    CHOICE_OPEN = 0, /* nobody has asked yet */
    CHOICE_ALL,
    CHOICE_RANGES,
    CHOICE_NONE,
    CHOICE_IMPORTS, /* nothing: it belongs to the import system */
} file_choice;

typedef struct {
    PyObject *name;   /* owned: str, as in co_filename */
    size_t number;    /* its place in the table */
    uint64_t *hits;   /* owned: hits[line] since the last flush_files() */
    size_t cap;       /* lines that `hits` has room for */
    uint64_t *parted; /* owned: the same, before the last parts_take(): these
                         are not in `hits` */
    size_t parted_cap;

    /* Kept by pages.c: what is counted in a journal. */
    uint64_t **pages; /* owned array: counters of XT_JOURNAL_PAGE lines each */
    size_t pages_cap;

    /* Kept by linelog.c, which prints lines. */
    PyObject *source; /* owned: the entry of linecache, or NULL */
    uint64_t looked;  /* dictwatch_changes() when that was the entry, or 0 */
    PyObject **texts; /* owned: texts[line] as printed, or NULL */
    size_t texts_cap;

    /* Kept by select.c: what of the file is printed. */
    file_choice choice;
    xt_ranges ranges; /* with CHOICE_RANGES: these lines */
} traced_file;

typedef struct {
    traced_file *file; /* borrowed from the table */
    int line;
} first_hit;

/* Zero is valid and empty. */
typedef struct {
    first_hit *items; /* owned */
    size_t len;
    size_t cap;
} hit_list;

/* How often a line was hit at one time, the file's number and the line: so
   many bits of each, the line's lowest. With no hits, the number of a run in
   the place of the line: all that this has hit. */
typedef uint64_t noted_hits;

/* Zero is valid and empty. */
typedef struct {
    noted_hits *items; /* owned */
    size_t taken;      /* so many of them are told elsewhere */
    size_t len;
    size_t cap;
} hit_log;

enum { FILES_RECENT = 256 };

typedef struct {
    sync_lock lock;
    traced_file **items; /* owned, also each item; they never move */
    size_t len;
    size_t cap;
    PyObject *index; /* owned: dict of name to position in `items` */
    struct {
        PyObject *name;    /* owned, or NULL */
        traced_file *file; /* borrowed */
    } recent[FILES_RECENT];

    /* What is told once or seldom, since the last flush: a file of which all
       is told so needs no array. */
    hit_log log;
    run_log runs; /* those that the log has */

    /* The other lines that were hit since then, in the order of their first
       hit: the order in which the standard module's dict has them. */
    hit_list order;
    hit_list parted; /* the same of what was parted */
    PyObject *far;   /* owned: dict {(name, line): hits} of absurd lines */
    PyObject *parted_far; /* owned: the same of what was parted, or NULL */
    struct xt_journal *journal; /* borrowed: what is hit is counted there too,
                                   or NULL */
} file_table;

/* Zero memory is a valid empty table before and after these. */
int files_init(file_table *table); /* -1 with an exception */
void files_fini(file_table *table);

/* The file called `name` (a str), made on first sight. Borrowed from the
   table and valid as long as it; NULL with an exception. */
traced_file *files_find(file_table *table, PyObject *name);

static inline size_t
files_recent_place(PyObject *name)
{
    return ((uintptr_t)name >> 4) % FILES_RECENT;
}

static inline traced_file *
files_get(file_table *table, PyObject *name)
{
    size_t place = files_recent_place(name);
    if (table->recent[place].name == name) {
        return table->recent[place].file;
    }
    return files_find(table, name);
}

/* Lines from here on (made up by code.replace() or a deep template) are
   counted in a dict, so that one absurd number does not take gigabytes. */
enum { FILES_LINE_BITS = 22, FILES_DENSE = 1 << FILES_LINE_BITS };

/* What files_hit() does when it is not a mere addition; under the lock. */
int files_hit_slowly(file_table *table, traced_file *file, int line);

/* Counts a line, which is not absurd, in the journal. */
void files_hit_page(file_table *table, traced_file *file, int line);

/* Counts one run of a line. -1 with an exception when out of memory. */
static inline int
files_hit(file_table *table, traced_file *file, int line)
{
    if (table->journal != NULL && (unsigned)line < FILES_DENSE) {
        files_hit_page(table, file, line);
    }
    int result = 0;
    sync_take(&table->lock);
    if ((size_t)line < file->cap && file->hits[line] != 0) {
        file->hits[line]++;
    }
    else {
        result = files_hit_slowly(table, file, line);
    }
    sync_give(&table->lock);
    return result;
}

/* Makes room for so many calls of files_add(), which cannot fail then but for
   absurd lines and numbers. -1 with an exception when out of memory. */
int files_reserve(file_table *table, size_t more);

/* Counts runs of a line that are told at once, not in the journal. -1 with an
   exception when out of memory. */
int files_add(file_table *table, traced_file *file, int line, uint64_t hits);

/* Counts what the lines of segments were hit by, which are so many. The same.
   Nothing is negative: what comes out so is left out. */
int files_add_segments(file_table *table, traced_file *file,
                       const xt_segment *segments, size_t len,
                       const int64_t *hits);

/* Counts one run of a line that hardly runs again. The same. */
int files_hit_once(file_table *table, traced_file *file, int line);

/* Makes room for a call of files_add_run(), which cannot fail then but for
   files whose number is absurd. -1 with an exception when out of memory. */
int files_reserve_run(file_table *table);

/* Counts a run of straight code, not in the journal. -1 with an exception when
   out of memory. */
int files_add_run(file_table *table, traced_file *file,
                  const straight_run *run);

/* For those who take the hits out again: flush.c and parts.c. The caller has
   the lock of all but the last two. -1 with an exception, where it can fail.

   Moves the log into the arrays, which do not grow with every hit. */
int files_fold(file_table *table);

/* Makes room for a line, with zeros. */
int files_make_room(uint64_t **hits, size_t *cap, int line);

/* Appends a line to a list. */
int files_note(hit_list *list, traced_file *file, int line);

/* Takes what is noted next out of the log; false if there is none. */
bool files_take_noted(file_table *table, first_hit *what, uint64_t *hits);

/* Puts it back for the next flush, into a place that has become free. */
void files_put_back(file_table *table, first_hit what, uint64_t hits);

#endif
