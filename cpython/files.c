// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include "hitmap.h"
#include "mem.h"

int
files_init(file_table *table)
{
    table->index = PyDict_New();
    table->far = PyDict_New();
    return table->index == NULL || table->far == NULL ? -1 : 0;
}

static void
file_free(traced_file *file)
{
    for (size_t i = 0; i < file->texts_cap; i++) {
        Py_XDECREF(file->texts[i]);
    }
    xt_free(file->texts);
    xt_free(file->pages);
    xt_free(file->hits);
    xt_free(file->parted);
    xt_ranges_fini(&file->ranges);
    Py_XDECREF(file->source);
    Py_DECREF(file->name);
    xt_free(file);
}

void
files_fini(file_table *table)
{
    for (size_t i = 0; i < FILES_RECENT; i++) {
        Py_CLEAR(table->recent[i].name);
    }
    for (size_t i = 0; i < table->len; i++) {
        file_free(table->items[i]);
    }
    xt_free(table->items);
    xt_free(table->log.items);
    runlog_fini(&table->runs);
    xt_free(table->order.items);
    xt_free(table->parted.items);
    Py_XDECREF(table->index);
    Py_XDECREF(table->far);
    Py_XDECREF(table->parted_far);
    memset(table, 0, sizeof(*table));
}

static traced_file *
file_add(file_table *table, PyObject *name)
{
    sync_take(&table->lock);
    traced_file **items =
        xt_grow(table->items, &table->cap, table->len + 1, sizeof(*items));
    table->items = items == NULL ? table->items : items;
    sync_give(&table->lock);
    if (items == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *position = PyLong_FromSize_t(table->len);
    traced_file *file = xt_malloc(sizeof(*file));
    if (file == NULL) {
        PyErr_NoMemory();
    }
    if (position == NULL || file == NULL ||
        PyDict_SetItem(table->index, name, position) < 0) {
        Py_XDECREF(position);
        xt_free(file);
        return NULL;
    }
    Py_DECREF(position);
    *file = (traced_file){.name = Py_NewRef(name), .number = table->len};
    items[table->len++] = file;
    return file;
}

traced_file *
files_find(file_table *table, PyObject *name)
{
    PyObject *position = PyDict_GetItemWithError(table->index, name);
    traced_file *file;
    if (position != NULL) {
        file = table->items[PyLong_AsSize_t(position)];
    }
    else {
        file = PyErr_Occurred() ? NULL : file_add(table, name);
    }
    if (file != NULL) {
        size_t place = files_recent_place(name);
        table->recent[place].file = file;
        Py_XSETREF(table->recent[place].name, Py_NewRef(name));
    }
    return file;
}

int
files_note(hit_list *list, traced_file *file, int line)
{
    first_hit *items =
        xt_grow(list->items, &list->cap, list->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    list->items = items;
    items[list->len++] = (first_hit){file, line};
    return 0;
}

/* Room for so many comes at once: most files have some hundred lines. */
enum { LINES_AT_LEAST = 256 };

int
files_make_room(uint64_t **hits, size_t *cap, int line)
{
    size_t before = *cap;
    if ((size_t)line < before) {
        return 0;
    }
    size_t need = line < LINES_AT_LEAST ? LINES_AT_LEAST : (size_t)line + 1;
    uint64_t *grown = xt_grow(*hits, cap, need, sizeof(*grown));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(grown + before, 0, (*cap - before) * sizeof(*grown));
    *hits = grown;
    return 0;
}

/* The caller has the lock. */
static int
add(file_table *table, traced_file *file, int line, uint64_t hits)
{
    if (line < 0 || line >= FILES_DENSE) {
        return hitmap_add_line(table->far, file->name, line, hits);
    }
    if (files_make_room(&file->hits, &file->cap, line) < 0 ||
        (file->hits[line] == 0 && files_note(&table->order, file, line) < 0)) {
        return -1;
    }
    file->hits[line] += hits;
    return 0;
}

int
files_hit_slowly(file_table *table, traced_file *file, int line)
{
    return add(table, file, line, 1);
}

/* --- The log --------------------------------------------------------------
 */

enum {
    LOG_LEAST = 1 << 16, /* 512 KB: memory that costs nothing before it is
                            used, and is not copied when there is more */
    LOG_MOST = 1 << 18,  /* 2 MB */
    FILE_BITS = 21,
    HIT_BITS = 21, /* of all 64 */
};

/* Whether it can be noted. */
static bool
is_usual(const traced_file *file, int line, uint64_t hits)
{
    return line >= 0 && line < FILES_DENSE && file->number >> FILE_BITS == 0 &&
           hits >> HIT_BITS == 0;
}

static noted_hits
pack(const traced_file *file, int line, uint64_t hits)
{
    return (hits << FILE_BITS | file->number) << FILES_LINE_BITS |
           (unsigned)line;
}

static uint64_t
unpack(const file_table *table, noted_hits noted, first_hit *what)
{
    size_t number =
        noted >> FILES_LINE_BITS & ((UINT64_C(1) << FILE_BITS) - 1);
    *what = (first_hit){table->items[number], noted & (FILES_DENSE - 1)};
    return noted >> (FILES_LINE_BITS + FILE_BITS);
}

/* All that was noted has been told elsewhere. */
static void
forget_log(file_table *table)
{
    table->log.taken = table->log.len = 0;
    runlog_fini(&table->runs);
}

/* What is noted next; false if there is nothing. */
static bool
see_noted(file_table *table, first_hit *what, uint64_t *hits)
{
    hit_log *log = &table->log;
    for (; log->taken < log->len; log->taken++) {
        *hits = unpack(table, log->items[log->taken], what);
        if (*hits > 0) {
            return true;
        }
        int32_t line = runlog_line(&table->runs, (size_t)what->line);
        if (line >= 0) {
            *hits = table->runs.items[what->line].times;
            what->line = line;
            return true;
        }
    }
    return false;
}

/* That has been told elsewhere. */
static void
pass_noted(file_table *table)
{
    hit_log *log = &table->log;
    first_hit what;
    if (unpack(table, log->items[log->taken], &what) > 0) {
        log->taken++;
    }
    else {
        runlog_pass(&table->runs);
    }
}

int
files_fold(file_table *table)
{
    first_hit what;
    uint64_t hits;
    while (see_noted(table, &what, &hits)) {
        if (add(table, what.file, what.line, hits) < 0) {
            return -1;
        }
        pass_noted(table);
    }
    forget_log(table);
    return 0;
}

/* Makes room in the log. The caller has the lock. */
static int
reserve(file_table *table, size_t more)
{
    hit_log *log = &table->log;
    if (log->len + more > LOG_MOST && log->len > 0 && files_fold(table) < 0) {
        return -1;
    }
    size_t need = log->len + more;
    noted_hits *items =
        xt_grow(log->items, &log->cap, need < LOG_LEAST ? LOG_LEAST : need,
                sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    log->items = items;
    return 0;
}

int
files_reserve(file_table *table, size_t more)
{
    sync_take(&table->lock);
    int result = reserve(table, more);
    sync_give(&table->lock);
    return result;
}

/* The caller has the lock. */
static int
note(file_table *table, noted_hits noted)
{
    hit_log *log = &table->log;
    if (log->len == log->cap && reserve(table, 1) < 0) {
        return -1;
    }
    log->items[log->len++] = noted;
    return 0;
}

int
files_add(file_table *table, traced_file *file, int line, uint64_t hits)
{
    sync_take(&table->lock);
    int result = is_usual(file, line, hits)
                     ? note(table, pack(file, line, hits))
                     : add(table, file, line, hits);
    sync_give(&table->lock);
    return result;
}

int
files_add_segments(file_table *table, traced_file *file,
                   const xt_segment *segments, size_t len, const int64_t *hits)
{
    int result = 0;
    for (size_t i = 0; i < len && result == 0; i++) {
        int32_t line = segments[i].line;
        if (hits[i] > 0 && line >= 0) {
            result = files_add(table, file, line, (uint64_t)hits[i]);
        }
    }
    return result;
}

/* The caller has the lock. */
static int
reserve_run(file_table *table)
{
    if ((runlog_is_full(&table->runs) && files_fold(table) < 0) ||
        reserve(table, 1) < 0) {
        return -1;
    }
    if (!runlog_reserve(&table->runs)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int
files_reserve_run(file_table *table)
{
    sync_take(&table->lock);
    int result = reserve_run(table);
    sync_give(&table->lock);
    return result;
}

/* The caller has the lock. */
static int
note_run(file_table *table, traced_file *file, const straight_run *run)
{
    if (reserve_run(table) < 0) {
        return -1;
    }
    size_t number = table->runs.len;
    runlog_add(&table->runs, run);
    if (file->number >> FILE_BITS == 0) {
        return note(table, pack(file, (int)number, 0));
    }
    int result = 0;
    int32_t line;
    while (result == 0 && (line = runlog_line(&table->runs, number)) >= 0) {
        result = add(table, file, line, run->times);
        runlog_pass(&table->runs);
    }
    return result;
}

int
files_add_run(file_table *table, traced_file *file, const straight_run *run)
{
    sync_take(&table->lock);
    int result = note_run(table, file, run);
    sync_give(&table->lock);
    return result;
}

int
files_hit_once(file_table *table, traced_file *file, int line)
{
    if (table->journal != NULL && (unsigned)line < FILES_DENSE) {
        files_hit_page(table, file, line);
    }
    return files_add(table, file, line, 1);
}

bool
files_take_noted(file_table *table, first_hit *what, uint64_t *hits)
{
    sync_take(&table->lock);
    bool found = see_noted(table, what, hits);
    if (found) {
        pass_noted(table);
    }
    else {
        forget_log(table);
    }
    sync_give(&table->lock);
    return found;
}

void
files_put_back(file_table *table, first_hit what, uint64_t hits)
{
    const noted_hits noted = pack(what.file, what.line, hits);
    hit_log *log = &table->log;
    sync_take(&table->lock);
    if (!is_usual(what.file, what.line, hits)) {
        (void)add(table, what.file, what.line, hits);
    }
    else if (log->taken > 0) {
        log->items[--log->taken] = noted;
    }
    else {
        (void)note(table, noted);
    }
    sync_give(&table->lock);
}
