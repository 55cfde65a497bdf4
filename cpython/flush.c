// SPDX-License-Identifier: Apache-2.0
#include "flush.h"

#include "hitmap.h"
#include "mem.h"

/* Adding may run the program's code (a finalizer, a mapping of its own), which
   may hit lines again, also so many that the log is folded. */
static int
flush_log(file_table *table, PyObject *counts)
{
    first_hit what;
    uint64_t hits;
    while (files_take_noted(table, &what, &hits)) {
        if (hitmap_add_line(counts, what.file->name, what.line, hits) < 0) {
            files_put_back(table, what, hits);
            return -1;
        }
    }
    return 0;
}

/* Where a line's hits are. */
static uint64_t *
place_of(const first_hit *hit, bool parted)
{
    return &(parted ? hit->file->parted : hit->file->hits)[hit->line];
}

/* Takes the hits of one line out of the table and adds them to `counts`. */
static int
flush_line(file_table *table, const first_hit *hit, bool parted,
           PyObject *counts)
{
    /* Adding may run the program's code (a finalizer, a mapping of its own),
       which may hit the line again or make the array move. */
    sync_take(&table->lock);
    uint64_t taken = *place_of(hit, parted);
    *place_of(hit, parted) = 0;
    sync_give(&table->lock);
    if (taken == 0) {
        return 0;
    }
    int result = hitmap_add_line(counts, hit->file->name, hit->line, taken);
    if (result < 0) {
        sync_take(&table->lock);
        *place_of(hit, parted) += taken;
        sync_give(&table->lock);
    }
    return result;
}

/* Moves the lines of a list into `counts`, in its order. */
static int
flush_list(file_table *table, hit_list *list, bool parted, PyObject *counts)
{
    sync_take(&table->lock);
    const hit_list all = *list;
    *list = (hit_list){0};
    sync_give(&table->lock);

    size_t done = 0;
    while (done < all.len &&
           flush_line(table, &all.items[done], parted, counts) == 0) {
        done++;
    }
    int result = done == all.len ? 0 : -1;
    if (result < 0) {
        /* Keep the rest for the next flush. A line may stand in the list
           twice: the second time it has no hits left to move. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        sync_take(&table->lock);
        while (done < all.len && files_note(list, all.items[done].file,
                                            all.items[done].line) == 0) {
            done++;
        }
        sync_give(&table->lock);
        PyErr_Restore(type, value, traceback);
    }
    xt_free(all.items);
    return result;
}

/* Moves a dict of absurd lines, which may be NULL, into `counts`. */
static int
flush_far(file_table *table, PyObject **place, PyObject *counts)
{
    PyObject *fresh = PyDict_New();
    if (fresh == NULL) {
        return -1;
    }
    sync_take(&table->lock);
    PyObject *far = *place;
    *place = fresh;
    sync_give(&table->lock);
    PyObject *key;
    PyObject *hits;
    Py_ssize_t position = 0;
    int result = 0;
    while (far != NULL && result == 0 &&
           PyDict_Next(far, &position, &key, &hits)) {
        result = hitmap_add(counts, key, hits);
    }
    if (result < 0) {
        /* The one that failed and the rest go back, for the next flush. */
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        int back;
        sync_take(&table->lock);
        do {
            back = hitmap_add(*place, key, hits);
        } while (back == 0 && PyDict_Next(far, &position, &key, &hits));
        sync_give(&table->lock);
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
    Py_XDECREF(far);
    return result;
}

/* Whether there are absurd lines, which is seldom so. */
static bool
has_far(file_table *table)
{
    sync_take(&table->lock);
    bool has = table->parted_far != NULL || PyDict_GET_SIZE(table->far) > 0;
    sync_give(&table->lock);
    return has;
}

int
flush_files(file_table *table, PyObject *counts)
{
    bool failed =
        flush_list(table, &table->parted, true, counts) < 0 ||
        flush_log(table, counts) < 0 ||
        flush_list(table, &table->order, false, counts) < 0 ||
        (has_far(table) && (flush_far(table, &table->parted_far, counts) < 0 ||
                            flush_far(table, &table->far, counts) < 0));
    return failed ? -1 : 0;
}
