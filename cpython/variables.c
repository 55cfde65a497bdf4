// SPDX-License-Identifier: Apache-2.0
#include "variables.h"

#include "compat.h"
#include "hash.h"
#include "mem.h"
#include "shortrepr.h"

/* Strings up to here are kept to be compared by their address. */
enum { KEPT = 1000 };

static int
append_pair(PyObject *list, PyObject *name, PyObject *value)
{
    PyObject *pair = PyTuple_Pack(2, name, value);
    int result = pair == NULL ? -1 : PyList_Append(list, pair);
    Py_XDECREF(pair);
    return result;
}

/* From the frame's own places: see compat_fast_locals(). */
static PyObject *
from_places(PyCodeObject *code, PyObject **places)
{
    enum { HIDDEN = 0x10, CELL = 0x40, FREE = 0x80 };
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < code->co_nlocalsplus; i++) {
        PyObject *value = places[i];
        if (value != NULL && kinds[i] & (CELL | FREE) && PyCell_Check(value)) {
            value = PyCell_GET(value);
        }
        if (value != NULL && (kinds[i] & HIDDEN) == 0 &&
            append_pair(list, PyTuple_GET_ITEM(code->co_localsplusnames, i),
                        value) < 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

PyObject *
variables_of(PyFrameObject *frame, PyCodeObject *code)
{
    if (code->co_flags & CO_OPTIMIZED) {
        PyObject **places = compat_fast_locals(frame, code);
        if (places != NULL) {
            return from_places(code, places);
        }
    }
    PyObject *locals = PyFrame_GetLocals(frame);
    if (locals == NULL) {
        return NULL;
    }
    PyObject *list = PyMapping_Items(locals);
    Py_DECREF(locals);
    return list;
}

static void
variable_fini(variable *item)
{
    Py_CLEAR(item->name);
    Py_CLEAR(item->value);
}

void
variables_fini(variable_table *table)
{
    for (size_t i = 0; i < table->len; i++) {
        variable_fini(&table->items[i]);
    }
    xt_free(table->items);
    *table = (variable_table){0};
}

/* The variable of that name, made if need be; NULL when out of memory. They
   mostly come in the order of the last time: `place` is where to look first.
 */
static variable *
find(variable_table *table, PyObject *name, size_t place)
{
    for (size_t n = 0; n < table->len; n++) {
        variable *item = &table->items[(place + n) % table->len];
        if (item->name == name || PyUnicode_Compare(item->name, name) == 0) {
            return item;
        }
    }
    variable *items =
        xt_grow(table->items, &table->cap, table->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    table->items = items;
    items[table->len] = (variable){.name = Py_NewRef(name)};
    return &items[table->len++];
}

/* Whether nobody can tell that a reference to the value is kept. */
static bool
may_be_kept(PyObject *value)
{
    return value == Py_None || PyBool_Check(value) ||
           PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
           (PyUnicode_CheckExact(value) &&
            PyUnicode_GET_LENGTH(value) <= KEPT);
}

/* Variables that are not shown: __name__ and its like, and ".0". */
static bool
is_hidden(PyObject *name)
{
    return !PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) == 0 ||
           PyUnicode_READ_CHAR(name, 0) == '.' ||
           (PyUnicode_GET_LENGTH(name) > 1 &&
            PyUnicode_READ_CHAR(name, 0) == '_' &&
            PyUnicode_READ_CHAR(name, 1) == '_');
}

static int
add_line(xt_buf *buf, const char *mark, PyObject *name)
{
    return shortrepr_add_text(buf, mark) < 0 ? -1
                                             : shortrepr_add_str(buf, name);
}

static int
look_at(variable_table *table, size_t place, PyObject *name, PyObject *value,
        xt_buf *changes)
{
    size_t before = table->len;
    variable *item = find(table, name, place);
    if (item == NULL) {
        return -1;
    }
    item->round = table->round;
    if (item->value == value) {
        return 0;
    }
    bool is_new = table->len > before;
    size_t at = (size_t)(item - table->items);
    size_t start = changes->len;
    if (add_line(changes, " ... ", name) < 0 ||
        shortrepr_add_text(changes, " = ") < 0 ||
        shortrepr_add(changes, value) < 0 ||
        shortrepr_add_text(changes, "\n") < 0) {
        return -1;
    }
    uint64_t hash =
        xt_hash_bytes(0, 0, changes->bytes + start, changes->len - start);
    item = &table->items[at];
    Py_XSETREF(item->value, may_be_kept(value) ? Py_NewRef(value) : NULL);
    if (!is_new && item->hash == hash) {
        changes->len = start;
    }
    item->hash = hash;
    return 0;
}

static int
drop_missing(variable_table *table, xt_buf *changes)
{
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < table->len; i++) {
        variable *item = &table->items[i];
        if (item->round == table->round) {
            table->items[kept++] = *item;
            continue;
        }
        if (result == 0 && (add_line(changes, " ... del ", item->name) < 0 ||
                            shortrepr_add_text(changes, "\n") < 0)) {
            result = -1;
        }
        variable_fini(item);
    }
    table->len = kept;
    return result;
}

int
variables_update(variable_table *table, PyFrameObject *frame,
                 PyCodeObject *code, xt_buf *changes)
{
    PyObject *pairs = variables_of(frame, code);
    if (pairs == NULL) {
        return -1;
    }
    table->round++;
    int result = 0;
    for (Py_ssize_t i = 0; result == 0 && i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
            !is_hidden(PyTuple_GET_ITEM(pair, 0))) {
            result = look_at(table, (size_t)i, PyTuple_GET_ITEM(pair, 0),
                             PyTuple_GET_ITEM(pair, 1), changes);
        }
    }
    Py_DECREF(pairs);
    return result < 0 ? -1 : drop_missing(table, changes);
}
