// SPDX-License-Identifier: Apache-2.0
#include "functions.h"

#include "kept.h"

/* Drops the references that a pair has had. */
static void
drop(recent_call call)
{
    Py_XDECREF(call.caller);
    Py_XDECREF(call.callee);
}

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
        sync_take(&table->lock);
        recent_call old = table->recent[i];
        table->recent[i] = (recent_call){0};
        sync_give(&table->lock);
        drop(old);
    }
    functions_set(table, &table->modname, NULL);
    functions_set(table, &table->root, NULL);
    functions_set(table, (PyObject **)&table->outer, NULL);
    functions_set(table, &table->calledfuncs, NULL);
    functions_set(table, &table->callers, NULL);
    functions_set(table, &table->calls, NULL);
    functions_set(table, &table->call_graph, NULL);
    Py_CLEAR(table->kept);
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
    Py_VISIT(table->calls);
    Py_VISIT(table->call_graph);
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

/* --- The cache ----------------------------------------------------------- */

/* The first of the places where a pair may be. */
static recent_call *
recent_places(function_table *table, PyCodeObject *caller,
              PyCodeObject *callee)
{
    uintptr_t mix = ((uintptr_t)caller >> 5) * 31 + ((uintptr_t)callee >> 4);
    size_t set = (mix ^ (mix >> 11)) % (FUNCTIONS_RECENT / FUNCTIONS_WAYS);
    return &table->recent[set * FUNCTIONS_WAYS];
}

recent_call *
functions_find(function_table *table, PyCodeObject *caller,
               PyCodeObject *callee)
{
    recent_call *places = recent_places(table, caller, callee);
    for (size_t i = 0; i < FUNCTIONS_WAYS; i++) {
        if (places[i].callee == callee && places[i].caller == caller) {
            return &places[i];
        }
    }
    return NULL;
}

/* --- The dicts ----------------------------------------------------------- */

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

int
functions_add(PyObject *dict, PyObject *key, int64_t count)
{
    if (key == NULL) {
        return -1;
    }
    PyObject *sum = PyLong_FromLongLong(count);
    PyObject *before;
    bool failed = sync_dict_get(dict, key, &before) < 0 || sum == NULL;
    if (!failed && before != NULL) {
        Py_SETREF(sum, PyNumber_Add(before, sum));
        failed = sum == NULL;
    }
    int result = failed ? -1 : PyDict_SetItem(dict, key, sum);
    Py_XDECREF(before);
    Py_XDECREF(sum);
    Py_DECREF(key);
    return result;
}

PyObject *
functions_entered(PyCodeObject *code)
{
    return Py_BuildValue("(OiO)", code->co_filename, code->co_firstlineno,
                         code->co_qualname);
}

/* Adds what was counted of one pair to the dicts. */
static int
add_calls(function_table *table, PyObject *from, PyObject *to, int64_t calls)
{
    PyObject *pair = PyTuple_Pack(2, from, to);
    PyObject *graph = get_field(table, &table->call_graph);
    PyObject *entered = get_field(table, &table->calls);
    int result = -1;
    if (pair != NULL && graph != NULL && entered != NULL) {
        sync_enter(&table->adding);
        result = functions_add(graph, Py_NewRef(pair), calls);
        if (result == 0) {
            result = functions_add(entered, Py_NewRef(to), calls);
        }
        sync_leave(&table->adding);
    }
    else if (pair != NULL) {
        result = 0; /* nobody asks for them any more */
    }
    Py_XDECREF(entered);
    Py_XDECREF(graph);
    Py_XDECREF(pair);
    return result;
}

/* Brings what was counted of one pair into the dicts. Only the keys are made
   here, no Python code runs. */
static int
settle(function_table *table, const recent_call *call)
{
    if (call->calls == 0) {
        return 0;
    }
    PyCodeObject *caller = call->hides_caller ? NULL : call->caller;
    PyObject *from =
        caller == NULL ? Py_NewRef(Py_None) : functions_entered(caller);
    PyObject *to = functions_entered(call->callee);
    int result = from == NULL || to == NULL
                     ? -1
                     : add_calls(table, from, to, (int64_t)call->calls);
    Py_XDECREF(from);
    Py_XDECREF(to);
    return result;
}

/* Takes the calls of a pair out of the cache and settles them. */
static int
flush_pair(function_table *table, recent_call *place)
{
    sync_take(&table->lock);
    recent_call call = *place;
    place->calls = 0;
    Py_XINCREF(call.caller);
    Py_XINCREF(call.callee);
    sync_give(&table->lock);
    int result = settle(table, &call);
    drop(call);
    return result;
}

int
functions_flush(function_table *table)
{
    int result = 0;
    for (size_t i = 0; i < FUNCTIONS_RECENT && result == 0; i++) {
        if (table->recent[i].calls != 0 || !COMPAT_HAS_GIL) {
            result = flush_pair(table, &table->recent[i]);
        }
    }
    return result;
}

/* --- In a journal -------------------------------------------------------- */

/* A new counter; NULL if there is no room. */
static uint64_t *
add_counter(xt_journal *journal, PyCodeObject *caller, PyCodeObject *callee)
{
    xt_journal_call call = {
        .caller_file = XT_JOURNAL_NONE,
        .caller_name = XT_JOURNAL_NONE,
        .caller_line = caller == NULL ? 0 : caller->co_firstlineno,
        .line = callee->co_firstlineno,
    };
    uint64_t *counter;
    bool added =
        kept_string(journal, callee->co_filename, &call.file) &&
        kept_string(journal, callee->co_qualname, &call.name) &&
        (caller == NULL ||
         (kept_string(journal, caller->co_filename, &call.caller_file) &&
          kept_string(journal, caller->co_qualname, &call.caller_name))) &&
        xt_journal_add_call(journal, &call, &counter);
    return added ? counter : NULL;
}

/* The pair's counter, new or known; NULL if there is none. */
static uint64_t *
find_counter(function_table *table, const recent_call *call)
{
    PyCodeObject *caller = call->hides_caller ? NULL : call->caller;
    PyObject *key = Py_BuildValue("(NN)",
                                  caller == NULL ? Py_NewRef(Py_None)
                                                 : functions_entered(caller),
                                  functions_entered(call->callee));
    if (table->kept == NULL) {
        table->kept = PyDict_New();
    }
    uint64_t *counter = NULL;
    PyObject *known = key == NULL || table->kept == NULL
                          ? NULL
                          : PyDict_GetItemWithError(table->kept, key);
    if (known != NULL) {
        counter = PyLong_AsVoidPtr(known);
    }
    else if (!PyErr_Occurred()) {
        counter = add_counter(table->journal, caller, call->callee);
        PyObject *address = PyLong_FromVoidPtr(counter);
        if (address == NULL || PyDict_SetItem(table->kept, key, address) < 0) {
            counter = NULL;
        }
        Py_XDECREF(address);
    }
    Py_XDECREF(key);
    PyErr_Clear();
    return counter;
}

static void
keep_call(function_table *table, recent_call *call)
{
    call->kept = table->journal == NULL || table->call_graph == NULL
                     ? NULL
                     : find_counter(table, call);
}

void
functions_keep(function_table *table, xt_journal *journal)
{
    table->journal = journal;
    Py_CLEAR(table->kept);
    for (size_t i = 0; i < FUNCTIONS_RECENT; i++) {
        if (table->recent[i].callee != NULL) {
            keep_call(table, &table->recent[i]);
        }
    }
}

/* A free place for a pair, or that of the one with the fewest calls. */
static recent_call *
choose_place(function_table *table, const recent_call *call)
{
    recent_call *places = recent_places(table, call->caller, call->callee);
    recent_call *place = places;
    for (size_t i = 0; i < FUNCTIONS_WAYS; i++) {
        if (places[i].callee == NULL) {
            return &places[i];
        }
        if (places[i].calls < place->calls) {
            place = &places[i];
        }
    }
    return place;
}

/* Has the cache remember a pair. Its references make sure that an address in
   the cache is still the same code object. */
static int
remember(function_table *table, recent_call call)
{
    sync_take(&table->lock);
    recent_call *known = functions_find(table, call.caller, call.callee);
    recent_call old = {0};
    if (known != NULL) {
        functions_count(known, call.calls);
    }
    else {
        recent_call *place = choose_place(table, &call);
        old = *place;
        *place = call;
        Py_XINCREF(call.caller);
        Py_INCREF(call.callee);
        keep_call(table, place);
        if (place->kept != NULL) {
            *place->kept += call.calls;
        }
    }
    sync_give(&table->lock);
    int result = settle(table, &old);
    drop(old);
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

/* Naming a function runs Python code, during which another thread may begin a
   run and so replace what the table holds: everything is held meanwhile. */
int
functions_note(function_table *table, recent_call call)
{
    PyObject *modname = get_field(table, &table->modname);
    PyObject *root = get_field(table, &table->root);
    PyObject *calledfuncs = get_field(table, &table->calledfuncs);
    PyObject *callers = get_field(table, &table->callers);
    int result = 0;
    if (calledfuncs != NULL && modname != NULL) {
        result = set_one(calledfuncs, functions_name(modname, call.callee));
    }
    if (callers != NULL && modname != NULL && root != NULL && result == 0 &&
        !call.hides_caller) {
        result = set_one(callers,
                         pair_name(modname, root, call.caller, call.callee));
    }
    if (result == 0) {
        result = remember(table, call);
    }
    Py_XDECREF(modname);
    Py_XDECREF(root);
    Py_XDECREF(calledfuncs);
    Py_XDECREF(callers);
    return result;
}
