// SPDX-License-Identifier: Apache-2.0
#include "files.h"

#include "compat.h"
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
    xt_free(table->order);
    Py_XDECREF(table->index);
    Py_XDECREF(table->far);
    memset(table, 0, sizeof(*table));
}

static traced_file *
file_add(file_table *table, PyObject *name)
{
    traced_file **items =
        xt_grow(table->items, &table->cap, table->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    table->items = items;
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
    *file = (traced_file){.name = Py_NewRef(name)};
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

static PyObject *
make_key(const traced_file *file, int line)
{
    PyObject *number = PyLong_FromLong(line);
    PyObject *key = number == NULL ? NULL : PyTuple_New(2);
    if (key == NULL) {
        Py_XDECREF(number);
        return NULL;
    }
    PyTuple_SET_ITEM(key, 0, Py_NewRef(file->name));
    PyTuple_SET_ITEM(key, 1, number);
    /* As the collector would, when it first comes to it: no cycle goes through
       a string and a number. */
    PyObject_GC_UnTrack(key);
    return key;
}

/* counts[key] = hits where there is no such key, else *before is what it has,
   a new reference. -1 with an exception. */
static int
put_hits(PyObject *counts, PyObject *key, PyObject *hits, PyObject **before)
{
    *before = NULL;
    if (PyDict_CheckExact(counts)) {
        return compat_dict_put(counts, key, hits, before);
    }
    if (PyDict_Check(counts)) {
        (void)sync_dict_get(counts, key, before);
    }
    else {
        *before = PyObject_GetItem(counts, key);
        if (*before == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
        }
    }
    if (*before != NULL) {
        return 0;
    }
    return PyErr_Occurred() ? -1 : PyObject_SetItem(counts, key, hits);
}

/* counts[key] += hits, for any mapping. */
static int
add_hits(PyObject *counts, PyObject *key, PyObject *hits)
{
    PyObject *before;
    int result = put_hits(counts, key, hits, &before);
    if (before != NULL) {
        PyObject *sum = PyNumber_Add(before, hits);
        Py_DECREF(before);
        result = sum == NULL ? -1 : PyObject_SetItem(counts, key, sum);
        Py_XDECREF(sum);
    }
    return result;
}

static int
hit_far(file_table *table, const traced_file *file, int line, uint64_t hits)
{
    PyObject *key = make_key(file, line);
    PyObject *one = PyLong_FromUnsignedLongLong(hits);
    int result = -1;
    if (key != NULL && one != NULL) {
        result = add_hits(table->far, key, one);
    }
    Py_XDECREF(key);
    Py_XDECREF(one);
    return result;
}

static int
note_order(file_table *table, traced_file *file, int line)
{
    first_hit *order = xt_grow(table->order, &table->order_cap,
                               table->order_len + 1, sizeof(*order));
    if (order == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    table->order = order;
    order[table->order_len++] = (first_hit){file, line};
    return 0;
}

/* Room for so many comes at once: most files have some hundred lines. */
enum { LINES_AT_LEAST = 256 };

/* The caller has the lock. */
static int
add(file_table *table, traced_file *file, int line, uint64_t hits)
{
    if (line < 0 || line >= FILES_DENSE) {
        return hit_far(table, file, line, hits);
    }
    size_t cap = file->cap;
    if ((size_t)line >= cap) {
        size_t need = line < LINES_AT_LEAST ? LINES_AT_LEAST : line + 1;
        uint64_t *grown = xt_grow(file->hits, &cap, need, sizeof(*grown));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memset(grown + file->cap, 0, (cap - file->cap) * sizeof(*grown));
        file->hits = grown;
        file->cap = cap;
    }
    if (file->hits[line] == 0 && note_order(table, file, line) < 0) {
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

enum { LOG_MOST = 1 << 17 }; /* 2 MB */

/* Moves the log into the arrays, which do not grow with every hit. */
static int
fold(file_table *table)
{
    hit_log *log = &table->log;
    for (; log->taken < log->len; log->taken++) {
        const noted_hits *noted = &log->items[log->taken];
        if (add(table, noted->file, noted->line, noted->hits) < 0) {
            return -1;
        }
    }
    log->taken = log->len = 0;
    return 0;
}

/* The caller has the lock. */
static int
note(file_table *table, noted_hits noted)
{
    hit_log *log = &table->log;
    if (log->len == LOG_MOST && fold(table) < 0) {
        return -1;
    }
    noted_hits *items =
        xt_grow(log->items, &log->cap, log->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    log->items = items;
    items[log->len++] = noted;
    return 0;
}

int
files_add(file_table *table, traced_file *file, int line, uint64_t hits)
{
    bool usual = line >= 0 && line < FILES_DENSE && hits <= UINT32_MAX;
    sync_take(&table->lock);
    int result = usual ? note(table, (noted_hits){file, line, (uint32_t)hits})
                       : add(table, file, line, hits);
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

/* --- Into a mapping -------------------------------------------------------
 */

/* counts[(file, line)] += hits. */
static int
flush_hits(const traced_file *file, int line, uint64_t hits, PyObject *counts)
{
    PyObject *key = make_key(file, line);
    PyObject *value = PyLong_FromUnsignedLongLong(hits);
    int result = -1;
    if (key != NULL && value != NULL) {
        result = add_hits(counts, key, value);
    }
    Py_XDECREF(key);
    Py_XDECREF(value);
    return result;
}

/* Takes what is noted next out of the log; false if there is none. */
static bool
take_noted(file_table *table, noted_hits *noted)
{
    hit_log *log = &table->log;
    sync_take(&table->lock);
    bool found = log->taken < log->len;
    if (found) {
        *noted = log->items[log->taken++];
    }
    else {
        log->taken = log->len = 0;
    }
    sync_give(&table->lock);
    return found;
}

/* Puts it back for the next flush, into a place that has become free. */
static void
put_back(file_table *table, noted_hits noted)
{
    hit_log *log = &table->log;
    sync_take(&table->lock);
    if (log->taken > 0) {
        log->items[--log->taken] = noted;
    }
    else {
        (void)note(table, noted);
    }
    sync_give(&table->lock);
}

/* Adding may run the program's code (a finalizer, a mapping of its own), which
   may hit lines again, also so many that the log is folded. */
static int
flush_log(file_table *table, PyObject *counts)
{
    noted_hits noted;
    while (take_noted(table, &noted)) {
        if (flush_hits(noted.file, noted.line, noted.hits, counts) < 0) {
            put_back(table, noted);
            return -1;
        }
    }
    return 0;
}

/* Takes the hits of one line out of the table and adds them to `counts`. */
static int
flush_line(file_table *table, const first_hit *hit, PyObject *counts)
{
    /* Adding may run the program's code (a finalizer, a mapping of its own),
       which may hit the line again or make the array move. */
    sync_take(&table->lock);
    uint64_t taken = hit->file->hits[hit->line];
    hit->file->hits[hit->line] = 0;
    sync_give(&table->lock);
    if (taken == 0) {
        return 0;
    }
    int result = flush_hits(hit->file, hit->line, taken, counts);
    if (result < 0) {
        sync_take(&table->lock);
        hit->file->hits[hit->line] += taken;
        sync_give(&table->lock);
    }
    return result;
}

static int
flush_far(file_table *table, PyObject *counts)
{
    PyObject *fresh = PyDict_New();
    if (fresh == NULL) {
        return -1;
    }
    sync_take(&table->lock);
    PyObject *far = table->far;
    table->far = fresh;
    sync_give(&table->lock);
    PyObject *key;
    PyObject *hits;
    Py_ssize_t position = 0;
    int result = 0;
    while (result == 0 && PyDict_Next(far, &position, &key, &hits)) {
        result = add_hits(counts, key, hits);
    }
    if (result < 0) {
        /* The one that failed and the rest go back, for the next flush. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        int back;
        sync_take(&table->lock);
        do {
            back = add_hits(table->far, key, hits);
        } while (back == 0 && PyDict_Next(far, &position, &key, &hits));
        sync_give(&table->lock);
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    Py_DECREF(far);
    return result;
}

/* Moves the arrays into `counts`, in the order of the lines' first hits. */
static int
flush_order(file_table *table, PyObject *counts)
{
    sync_take(&table->lock);
    first_hit *order = table->order;
    size_t len = table->order_len;
    table->order = NULL;
    table->order_len = 0;
    table->order_cap = 0;
    sync_give(&table->lock);

    size_t done = 0;
    while (done < len && flush_line(table, &order[done], counts) == 0) {
        done++;
    }
    int result = done == len ? 0 : -1;
    if (result < 0) {
        /* Keep the rest for the next flush. A line may stand in the list
           twice: the second time it has no hits left to move. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        sync_take(&table->lock);
        while (done < len &&
               note_order(table, order[done].file, order[done].line) == 0) {
            done++;
        }
        sync_give(&table->lock);
        PyErr_Restore(type, value, traceback);
    }
    xt_free(order);
    return result;
}

int
files_flush(file_table *table, PyObject *counts)
{
    sync_take(&table->lock);
    bool has_far = PyDict_GET_SIZE(table->far) > 0;
    sync_give(&table->lock);
    if (flush_log(table, counts) < 0 || flush_order(table, counts) < 0) {
        return -1;
    }
    return has_far ? flush_far(table, counts) : 0;
}
