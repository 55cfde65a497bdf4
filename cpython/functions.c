// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include <stdint.h>

void
functions_clear(function_table *table)
{
    for (size_t i = 0; i < FUNCTIONS_RECENT; i++) {
        Py_CLEAR(table->recent[i].caller);
        Py_CLEAR(table->recent[i].callee);
    }
    Py_CLEAR(table->modname);
    Py_CLEAR(table->root);
    Py_CLEAR(table->outer);
    Py_CLEAR(table->calledfuncs);
    Py_CLEAR(table->callers);
    Py_CLEAR(table->disable);
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
    PyObject *function = function_name(code);
    PyObject *key = NULL;
    if (module != NULL && function != NULL) {
        key = PyTuple_Pack(3, code->co_filename, module, function);
    }
    Py_XDECREF(module);
    Py_XDECREF(function);
    return key;
}

/* Whether this pair (the caller may be NULL) was met not long ago; if not, it
   is from now on. A kept reference makes sure that an address in the cache is
   still the same code object. */
static int
seen(function_table *table, PyCodeObject *caller, PyCodeObject *callee)
{
    uintptr_t mix = ((uintptr_t)caller >> 5) * 31 + ((uintptr_t)callee >> 4);
    size_t place = (mix ^ (mix >> 11)) % FUNCTIONS_RECENT;
    if (table->recent[place].callee == callee &&
        table->recent[place].caller == caller) {
        return 1;
    }
    Py_XSETREF(table->recent[place].caller,
               (PyCodeObject *)Py_XNewRef(caller));
    Py_XSETREF(table->recent[place].callee, (PyCodeObject *)Py_NewRef(callee));
    return 0;
}

static int
set_one(PyObject *dict, PyObject *key)
{
    PyObject *one = PyLong_FromLong(1);
    int result = one == NULL ? -1 : PyObject_SetItem(dict, key, one);
    Py_XDECREF(one);
    return result;
}

int
functions_note(function_table *table, PyCodeObject *code)
{
    if (seen(table, NULL, code)) {
        return 0;
    }
    PyObject *key = functions_name(table->modname, code);
    int result = key == NULL ? -1 : set_one(table->calledfuncs, key);
    Py_XDECREF(key);
    return result;
}

/* `caller` NULL stands for us. */
static int
note_pair(function_table *table, PyCodeObject *caller, PyCodeObject *callee)
{
    PyObject *from = caller == NULL ? Py_NewRef(table->root)
                                    : functions_name(table->modname, caller);
    PyObject *to = functions_name(table->modname, callee);
    PyObject *pair = NULL;
    if (from != NULL && to != NULL) {
        pair = PyTuple_Pack(2, from, to);
    }
    int result = pair == NULL ? -1 : set_one(table->callers, pair);
    Py_XDECREF(from);
    Py_XDECREF(to);
    Py_XDECREF(pair);
    return result;
}

int
functions_note_caller(function_table *table, PyFrameObject *frame)
{
    PyCodeObject *callee = PyFrame_GetCode(frame);
    PyFrameObject *back = PyFrame_GetBack(frame);
    PyCodeObject *caller = NULL;
    if (back != NULL && back != table->outer) {
        caller = PyFrame_GetCode(back);
    }
    int result = 0;
    if (!seen(table, caller, callee)) {
        result = note_pair(table, caller, callee);
    }
    Py_XDECREF(caller);
    Py_XDECREF(back);
    Py_DECREF(callee);
    return result;
}
