// SPDX-License-Identifier: Apache-2.0
#include "dictwatch.h"

#include <stdatomic.h>

#if COMPAT_HAS_WATCHERS

/* CPython gives a callback nothing by which it could find state of its own, so
   this file has it: one number for all interpreters, that only grows. */
static _Atomic(uint64_t) changes = 1;

static int
on_change(PyDict_WatchEvent Py_UNUSED(event), PyObject *Py_UNUSED(dict),
          PyObject *Py_UNUSED(key), PyObject *Py_UNUSED(value))
{
    (void)atomic_fetch_add_explicit(&changes, 1, memory_order_relaxed);
    return 0;
}

int
dictwatch_begin(void)
{
    int watcher = PyDict_AddWatcher(on_change);
    PyErr_Clear();
    return watcher;
}

void
dictwatch_end(int watcher)
{
    if (watcher >= 0 && PyDict_ClearWatcher(watcher) < 0) {
        PyErr_Clear();
    }
}

bool
dictwatch_add(int watcher, PyObject *dict)
{
    bool watched = watcher >= 0 && PyDict_CheckExact(dict) &&
                   PyDict_Watch(watcher, dict) == 0;
    PyErr_Clear();
    return watched;
}

uint64_t
dictwatch_changes(void)
{
    return atomic_load_explicit(&changes, memory_order_relaxed);
}

#else

int
dictwatch_begin(void)
{
    return -1;
}

void
dictwatch_end(int Py_UNUSED(watcher))
{
}

bool
dictwatch_add(int Py_UNUSED(watcher), PyObject *Py_UNUSED(dict))
{
    return false;
}

uint64_t
dictwatch_changes(void)
{
    return 1;
}

#endif
