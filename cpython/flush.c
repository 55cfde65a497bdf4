// SPDX-License-Identifier: Apache-2.0
#include "flush.h"

#include "hitmap.h"
#include "mem.h"
#include "parts.h"

/* Adding may run the program's code (a finalizer, a mapping of its own), which
   may hit lines again, also so many that the log is folded. */
static int
flush_log(file_table *table, PyObject *counts)
{
    noted_hits noted;
    while (files_take_noted(table, &noted)) {
        if (hitmap_add_line(counts, noted.file->name, noted.line, noted.hits) <
            0) {
            files_put_back(table, noted);
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
    int result = hitmap_add_line(counts, hit->file->name, hit->line, taken);
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
        result = hitmap_add(counts, key, hits);
    }
    if (result < 0) {
        /* The one that failed and the rest go back, for the next flush. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        int back;
        sync_take(&table->lock);
        do {
            back = hitmap_add(table->far, key, hits);
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
    const hit_list order = table->order;
    table->order = (hit_list){0};
    sync_give(&table->lock);

    size_t done = 0;
    while (done < order.len &&
           flush_line(table, &order.items[done], counts) == 0) {
        done++;
    }
    int result = done == order.len ? 0 : -1;
    if (result < 0) {
        /* Keep the rest for the next flush. A line may stand in the list
           twice: the second time it has no hits left to move. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        sync_take(&table->lock);
        while (done < order.len &&
               files_note(&table->order, order.items[done].file,
                          order.items[done].line) == 0) {
            done++;
        }
        sync_give(&table->lock);
        PyErr_Restore(type, value, traceback);
    }
    xt_free(order.items);
    return result;
}

int
flush_files(file_table *table, PyObject *counts)
{
    sync_take(&table->lock);
    int result = parts_undo(table);
    bool has_far = PyDict_GET_SIZE(table->far) > 0;
    sync_give(&table->lock);
    if (result < 0 || flush_log(table, counts) < 0 ||
        flush_order(table, counts) < 0) {
        return -1;
    }
    return has_far ? flush_far(table, counts) : 0;
}
