// SPDX-License-Identifier: Apache-2.0
#include "holders.h"

#include "probed.h"

enum { NOTES_MOST = 50000 };

static void
give_up(code_holders *holders)
{
    if (holders->watched && PyFunction_ClearWatcher(holders->watcher) < 0) {
        PyErr_Clear();
    }
    holders->watched = false;
    xt_ptrmap_fini(&holders->known);
}

static void
note(code_holders *holders, PyFunctionObject *function)
{
    if (!holders->watched) {
        return;
    }
    if (holders->left == 0 ||
        xt_ptrmap_set(&holders->known, function, holders) != XT_OK) {
        give_up(holders);
        return;
    }
    holders->left--;
}

/* A function gets, or has no longer, a code object. */
static int
on_event(PyFunction_WatchEvent event, PyFunctionObject *function,
         PyObject *value)
{
    ProbedCodeObject *after = NULL;
    if (event == PyFunction_EVENT_CREATE) {
        after = probed_find((PyCodeObject *)function->func_code);
    }
    else if (event == PyFunction_EVENT_MODIFY_CODE) {
        after = probed_find((PyCodeObject *)value);
    }
    else if (event != PyFunction_EVENT_DESTROY) {
        return 0;
    }
    if (after != NULL) {
        note(&after->types->holders, function);
        return 0;
    }
    ProbedCodeObject *before =
        probed_find((PyCodeObject *)function->func_code);
    if (before != NULL) {
        xt_ptrmap_remove(&before->types->holders.known, function);
    }
    return 0;
}

void
holders_begin(code_holders *holders)
{
    holders->watcher = PyFunction_AddWatcher(on_event);
    holders->watched = holders->watcher >= 0;
    holders->left = NOTES_MOST;
    PyErr_Clear();
}

PyObject *
holders_end(code_holders *holders)
{
    const xt_ptrmap *known = &holders->known;
    PyObject *all =
        holders->watched ? PyList_New((Py_ssize_t)known->used) : NULL;
    Py_ssize_t len = 0;
    for (size_t i = 0; all != NULL && len < PyList_GET_SIZE(all); i++) {
        PyObject *function = (PyObject *)known->entries[i].key;
        if (function != NULL) {
            /* One that is about to end may wait for that, since 3.14. */
            PyObject *item = Py_REFCNT(function) > 0 ? function : Py_None;
            PyList_SET_ITEM(all, len++, Py_NewRef(item));
        }
    }
    PyErr_Clear();
    give_up(holders);
    return all;
}
