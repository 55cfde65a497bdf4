// SPDX-License-Identifier: Apache-2.0
#include "parts.h"

#include "hitmap.h"
#include "mem.h"

int64_t
parts_number(PyObject *numbers, PyObject *name)
{
    PyObject *number;
    if (sync_dict_get(numbers, name, &number) < 0) {
        return -1;
    }
    if (number == NULL) {
        number = PyLong_FromSsize_t(PyDict_GET_SIZE(numbers));
        if (number == NULL || PyDict_SetItem(numbers, name, number) < 0) {
            Py_XDECREF(number);
            return -1;
        }
    }
    int64_t found = PyLong_AsLongLong(number);
    Py_DECREF(number);
    return found;
}

static int
add_row(parted_rows *rows, parted_row row)
{
    parted_row *items =
        xt_grow(rows->items, &rows->cap, rows->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    rows->items = items;
    items[rows->len++] = row;
    return 0;
}

/* The rows of absurd lines. */
static int
add_far_rows(PyObject *far, PyObject *numbers, int64_t context,
             parted_rows *rows)
{
    PyObject *key;
    PyObject *hits;
    Py_ssize_t position = 0;
    while (PyDict_Next(far, &position, &key, &hits)) {
        const parted_row row = {
            .context = context,
            .file = parts_number(numbers, PyTuple_GET_ITEM(key, 0)),
            .line = PyLong_AsLongLong(PyTuple_GET_ITEM(key, 1)),
            .hits = PyLong_AsLongLong(hits),
        };
        if (PyErr_Occurred() || add_row(rows, row) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Gives the files of rows their numbers. */
static int
number_rows(PyObject *numbers, parted_row *rows, size_t len)
{
    int64_t last = 0;
    int64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (rows[i].file != last) {
            last = rows[i].file;
            const traced_file *file = (const traced_file *)(intptr_t)last;
            number = parts_number(numbers, file->name);
            if (number < 0) {
                return -1;
            }
        }
        rows[i].file = number;
    }
    return 0;
}

/* Makes room to part all that was hit. */
static int
reserve(file_table *table, parted_rows *rows)
{
    hit_list *parted = &table->parted;
    size_t more = table->order.len;
    if (more == 0) {
        return 0;
    }
    first_hit *items = xt_grow(parted->items, &parted->cap, parted->len + more,
                               sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    parted->items = items;
    for (size_t i = 0; i < more; i++) {
        const first_hit *hit = &table->order.items[i];
        if (files_make_room(&hit->file->parted, &hit->file->parted_cap,
                            hit->line) < 0) {
            return -1;
        }
    }
    if (rows == NULL) {
        return 0;
    }
    parted_row *grown =
        xt_grow(rows->items, &rows->cap, rows->len + more, sizeof(*grown));
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    rows->items = grown;
    return 0;
}

/* Sets *far to the absurd lines that were hit, a new reference, or to NULL if
   there are none. */
static int
part_far(file_table *table, PyObject **far)
{
    *far = NULL;
    if (PyDict_GET_SIZE(table->far) == 0) {
        return 0;
    }
    PyObject *fresh = PyDict_New();
    PyObject *all =
        fresh == NULL ? NULL : hitmap_sum(table->parted_far, table->far);
    if (all == NULL) {
        Py_XDECREF(fresh);
        return -1;
    }
    *far = table->far;
    table->far = fresh;
    Py_XSETREF(table->parted_far, all);
    return 0;
}

/* Parts all other lines, with the address of a file in place of its number: to
   find that takes another lock. Lets nothing run, and cannot fail. */
static void
part_near(file_table *table, int64_t context, parted_rows *rows)
{
    hit_list *parted = &table->parted;
    for (size_t i = 0; i < table->order.len; i++) {
        const first_hit *hit = &table->order.items[i];
        uint64_t *before = &hit->file->parted[hit->line];
        uint64_t *now = &hit->file->hits[hit->line];
        if (*now == 0) {
            continue; /* a line may stand in the list twice */
        }
        if (rows != NULL) {
            rows->items[rows->len++] =
                (parted_row){context, (int64_t)(intptr_t)hit->file, hit->line,
                             (int64_t)*now};
        }
        if (*before == 0) {
            parted->items[parted->len++] = *hit;
        }
        *before += *now;
        *now = 0;
    }
    table->order.len = 0;
}

int
parts_take(file_table *table, PyObject *numbers, int64_t context,
           parted_rows *rows)
{
    size_t before = rows == NULL ? 0 : rows->len;
    PyObject *far = NULL;
    sync_take(&table->lock);
    bool failed = files_fold(table) < 0 || reserve(table, rows) < 0 ||
                  part_far(table, &far) < 0;
    if (!failed) {
        part_near(table, context, rows);
    }
    sync_give(&table->lock);
    if (rows == NULL) {
        Py_XDECREF(far);
        return failed ? -1 : 0;
    }
    failed =
        failed ||
        number_rows(numbers, rows->items + before, rows->len - before) < 0 ||
        (far != NULL && add_far_rows(far, numbers, context, rows) < 0);
    Py_XDECREF(far);
    if (failed) {
        rows->len = before;
    }
    return failed ? -1 : 0;
}
