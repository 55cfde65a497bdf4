// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <stdbool.h>
#include <stdint.h>

void
functions_set(function_table *table, PyObject **field, PyObject *value)
{
    sync_take(&table->lock);
    PyObject *before = *field;
    *field = value;
    sync_give(&table->lock);
    Py_XDECREF(before);
}

/* What a field holds: a new reference, or NULL. */
static PyObject *
get_field(function_table *table, PyObject **field)
{
    sync_take(&table->lock);
    PyObject *value = Py_XNewRef(*field);
    sync_give(&table->lock);
    return value;
}

void
functions_clear(function_table *table)
{
    for (size_t i = 0; i < FUNCTIONS_RECENT; i++) {
        functions_set(table, (PyObject **)&table->recent[i].caller, NULL);
        functions_set(table, (PyObject **)&table->recent[i].callee, NULL);
    }
    functions_set(table, &table->modname, NULL);
    functions_set(table, &table->root, NULL);
    functions_set(table, (PyObject **)&table->outer, NULL);
    functions_set(table, &table->calledfuncs, NULL);
    functions_set(table, &table->callers, NULL);
}

PyFrameObject *
functions_swap_outer(function_table *table, PyFrameObject *outer)
{
    sync_take(&table->lock);
    PyFrameObject *before = table->outer;
    table->outer = outer;
    sync_give(&table->lock);
    return before;
}

int
functions_traverse(function_table *table, visitproc visit, void *arg)
{
    Py_VISIT(table->modname);
    Py_VISIT(table->root);
    Py_VISIT(table->outer);
    Py_VISIT(table->calledfuncs);
    Py_VISIT(table->callers);
    return 0;
}

/* co_qualname from behind the last "<locals>." when that ends in co_name and
   the code is a function's (a class body keeps its bare name, as in the
   standard module). A new reference. */
static PyObject *
function_name(PyCodeObject *code)
{
    PyObject *qualname = code->co_qualname;
    Py_ssize_t length = PyUnicode_GET_LENGTH(qualname);
    if (!(code->co_flags & CO_OPTIMIZED) ||
        PyUnicode_Tailmatch(qualname, code->co_name, 0, length, 1) != 1) {
        return Py_NewRef(code->co_name);
    }
    PyObject *locals = PyUnicode_FromString("<locals>.");
    if (locals == NULL) {
        return NULL;
    }
    Py_ssize_t at = PyUnicode_Find(qualname, locals, 0, length, -1);
    Py_ssize_t skip = at < 0 ? 0 : at + PyUnicode_GET_LENGTH(locals);
    Py_DECREF(locals);
    return at == -2 ? NULL : PyUnicode_Substring(qualname, skip, length);
}

PyObject *
functions_name(PyObject *modname, PyCodeObject *code)
{
    PyObject *module = PyUnicode_GET_LENGTH(code->co_filename) == 0
                           ? Py_NewRef(Py_None)
                           : PyObject_CallOneArg(modname, code->co_filename);
    if (module == NULL) {
        return NULL;
    }
    PyObject *key = NULL;
    PyObject *function = function_name(code);
    if (function != NULL) {
        key = PyTuple_Pack(3, code->co_filename, module, function);
        Py_DECREF(function);
    }
    Py_DECREF(module);
    return key;
}

static size_t
recent_place(PyCodeObject *caller, PyCodeObject *callee)
{
    uintptr_t mix = ((uintptr_t)caller >> 5) * 31 + ((uintptr_t)callee >> 4);
    return (mix ^ (mix >> 11)) % FUNCTIONS_RECENT;
}

/* Whether this pair (the caller may be NULL) was noted not long ago. */
static bool
is_recent(function_table *table, PyCodeObject *caller, PyCodeObject *callee)
{
    size_t place = recent_place(caller, callee);
    sync_take(&table->lock);
    bool found = table->recent[place].callee == callee &&
                 table->recent[place].caller == caller;
    sync_give(&table->lock);
    return found;
}

/* Remembers a pair. The kept references make sure that an address in the cache
   is still the same code object. */
static void
remember(function_table *table, PyCodeObject *caller, PyCodeObject *callee)
{
    size_t place = recent_place(caller, callee);
    sync_take(&table->lock);
    PyCodeObject *last_caller = table->recent[place].caller;
    PyCodeObject *last_callee = table->recent[place].callee;
    table->recent[place].caller = (PyCodeObject *)Py_XNewRef(caller);
    table->recent[place].callee = (PyCodeObject *)Py_NewRef(callee);
    sync_give(&table->lock);
    Py_XDECREF(last_caller);
    Py_XDECREF(last_callee);
}

/* dict[key] = 1. Takes `key`, which may be NULL after a failure. */
static int
set_one(PyObject *dict, PyObject *key)
{
    if (key == NULL) {
        return -1;
    }
    PyObject *one = PyLong_FromLong(1);
    int result = one == NULL ? -1 : PyObject_SetItem(dict, key, one);
    Py_XDECREF(one);
    Py_DECREF(key);
    return result;
}

/* Naming a function runs Python code, during which another thread may begin a
   run and so replace what the table holds: everything is held meanwhile. */
int
functions_note(function_table *table, PyCodeObject *code)
{
    if (is_recent(table, NULL, code)) {
        return 0;
    }
    PyObject *modname = get_field(table, &table->modname);
    PyObject *calledfuncs = get_field(table, &table->calledfuncs);
    int result = 0;
    if (modname != NULL && calledfuncs != NULL) {
        result = set_one(calledfuncs, functions_name(modname, code));
        if (result == 0) {
            remember(table, NULL, code);
        }
    }
    Py_XDECREF(modname);
    Py_XDECREF(calledfuncs);
    return result;
}

/* (caller, callee), a new reference; a `caller` NULL stands for us. */
static PyObject *
pair_name(PyObject *modname, PyObject *root, PyCodeObject *caller,
          PyCodeObject *callee)
{
    PyObject *from =
        caller == NULL ? Py_NewRef(root) : functions_name(modname, caller);
    if (from == NULL) {
        return NULL;
    }
    PyObject *pair = NULL;
    PyObject *to = functions_name(modname, callee);
    if (to != NULL) {
        pair = PyTuple_Pack(2, from, to);
        Py_DECREF(to);
    }
    Py_DECREF(from);
    return pair;
}

static int
note_pair(function_table *table, PyCodeObject *caller, PyCodeObject *callee)
{
    PyObject *modname = get_field(table, &table->modname);
    PyObject *root = get_field(table, &table->root);
    PyObject *callers = get_field(table, &table->callers);
    int result = 0;
    if (modname != NULL && root != NULL && callers != NULL) {
        result = set_one(callers, pair_name(modname, root, caller, callee));
        if (result == 0) {
            remember(table, caller, callee);
        }
    }
    Py_XDECREF(modname);
    Py_XDECREF(root);
    Py_XDECREF(callers);
    return result;
}

int
functions_note_caller(function_table *table, PyFrameObject *frame)
{
    if (frame == NULL) { /* no memory for a frame object */
        PyErr_NoMemory();
        return -1;
    }
    PyFrameObject *back = PyFrame_GetBack(frame);
    if (back == NULL && PyErr_Occurred()) {
        return -1;
    }
    PyCodeObject *callee = PyFrame_GetCode(frame);
    PyCodeObject *caller = NULL;
    sync_take(&table->lock);
    bool is_outer = back == table->outer;
    sync_give(&table->lock);
    if (back != NULL && !is_outer) {
        caller = PyFrame_GetCode(back);
    }
    int result = 0;
    if (!is_recent(table, caller, callee)) {
        result = note_pair(table, caller, callee);
    }
    Py_XDECREF(caller);
    Py_XDECREF(back);
    Py_DECREF(callee);
    return result;
}
