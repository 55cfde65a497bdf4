// SPDX-License-Identifier: Apache-2.0
#include "hitmap.h"

#include "compat.h"
#include "sync.h"

static PyObject *
make_key(PyObject *file, int line)
{
    PyObject *number = PyLong_FromLong(line);
    PyObject *key = number == NULL ? NULL : PyTuple_New(2);
    if (key == NULL) {
        Py_XDECREF(number);
        return NULL;
    }
    PyTuple_SET_ITEM(key, 0, Py_NewRef(file));
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

int
hitmap_add(PyObject *counts, PyObject *key, PyObject *hits)
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

int
hitmap_add_line(PyObject *counts, PyObject *file, int line, uint64_t hits)
{
    PyObject *key = make_key(file, line);
    PyObject *value = PyLong_FromUnsignedLongLong(hits);
    int result = -1;
    if (key != NULL && value != NULL) {
        result = hitmap_add(counts, key, value);
    }
    Py_XDECREF(key);
    Py_XDECREF(value);
    return result;
}

PyObject *
hitmap_sum(PyObject *first, PyObject *second)
{
    PyObject *sum = first == NULL ? PyDict_New() : PyDict_Copy(first);
    PyObject *key;
    PyObject *hits;
    Py_ssize_t position = 0;
    while (sum != NULL && PyDict_Next(second, &position, &key, &hits)) {
        if (hitmap_add(sum, key, hits) < 0) {
            Py_CLEAR(sum);
        }
    }
    return sum;
}
