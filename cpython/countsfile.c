// SPDX-License-Identifier: Apache-2.0
/* Between the dicts of a CoverageResults and the bytes of a counts file. */
#include "countsfile.h"

#include "errors.h"
#include "pickle_read.h"
#include "pickle_write.h"

/* Reading: from a tally to dicts. */

static PyObject *
decode_string(const xt_tally *tally, uint32_t id)
{
    size_t len;
    const char *bytes = xt_strtab_get(&tally->strings, id, &len);
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, "surrogatepass");
}

/* One str for each string; None has the number 0. Returns a new tuple. */
static PyObject *
build_strings(const xt_tally *tally)
{
    size_t count = tally->strings.count;
    PyObject *strings = PyTuple_New((Py_ssize_t)count + 1);
    if (strings == NULL) {
        return NULL;
    }
    PyTuple_SET_ITEM(strings, 0, Py_NewRef(Py_None));
    for (size_t i = 1; i <= count; i++) {
        PyObject *text = decode_string(tally, (uint32_t)i);
        if (text == NULL) {
            Py_DECREF(strings);
            return NULL;
        }
        PyTuple_SET_ITEM(strings, (Py_ssize_t)i, text);
    }
    return strings;
}

/* One (file, module, name) for each function. Returns a new tuple. */
static PyObject *
build_functions(const xt_tally *tally, PyObject *strings)
{
    PyObject *functions = PyTuple_New((Py_ssize_t)tally->nfunctions);
    if (functions == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < tally->nfunctions; i++) {
        const xt_tally_function *row = &tally->functions[i];
        PyObject *function =
            PyTuple_Pack(3, PyTuple_GET_ITEM(strings, row->file),
                         PyTuple_GET_ITEM(strings, row->module),
                         PyTuple_GET_ITEM(strings, row->name));
        if (function == NULL) {
            Py_DECREF(functions);
            return NULL;
        }
        PyTuple_SET_ITEM(functions, (Py_ssize_t)i, function);
    }
    return functions;
}

/* dict[key] = number. Takes `key`, which may be NULL after a failure. */
static int
set_taken(PyObject *dict, PyObject *key, int64_t number)
{
    if (key == NULL) {
        return -1;
    }
    int result = -1;
    PyObject *value = PyLong_FromLongLong(number);
    if (value != NULL) {
        result = PyDict_SetItem(dict, key, value);
        Py_DECREF(value);
    }
    Py_DECREF(key);
    return result;
}

static PyObject *
build_line(PyObject *file, int64_t line)
{
    PyObject *number = PyLong_FromLongLong(line);
    PyObject *key = number == NULL ? NULL : PyTuple_Pack(2, file, number);
    Py_XDECREF(number);
    return key;
}

static int
fill_counts(PyObject *dict, const xt_tally *tally, PyObject *strings)
{
    for (size_t i = 0; i < tally->ncounts; i++) {
        const xt_tally_count *row = &tally->counts[i];
        PyObject *file = PyTuple_GET_ITEM(strings, row->file);
        PyObject *key = build_line(file, row->line);
        if (set_taken(dict, key, row->count) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
fill_called(PyObject *dict, const xt_tally *tally, PyObject *functions)
{
    for (size_t i = 0; i < tally->nfunctions; i++) {
        PyObject *function = PyTuple_GET_ITEM(functions, (Py_ssize_t)i);
        if (tally->functions[i].called &&
            set_taken(dict, Py_NewRef(function), 1) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
fill_callers(PyObject *dict, const xt_tally *tally, PyObject *functions)
{
    for (size_t i = 0; i < tally->ncalls; i++) {
        const xt_tally_call *row = &tally->calls[i];
        PyObject *caller = PyTuple_GET_ITEM(functions, row->caller);
        PyObject *key =
            xt_tally_is_named_call(tally, row)
                ? Py_NewRef(PyTuple_GET_ITEM(caller, 0))
                : PyTuple_Pack(2, caller,
                               PyTuple_GET_ITEM(functions, row->callee));
        if (set_taken(dict, key, 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The tally as (counts, calledfuncs, callers). Returns a new reference. */
static PyObject *
build_dicts(const xt_tally *tally)
{
    PyObject *result = NULL;
    PyObject *functions = NULL;
    PyObject *counts = PyDict_New();
    PyObject *called = PyDict_New();
    PyObject *callers = PyDict_New();
    PyObject *strings = build_strings(tally);
    if (counts == NULL || called == NULL || callers == NULL ||
        strings == NULL) {
        goto done;
    }
    functions = build_functions(tally, strings);
    if (functions != NULL && fill_counts(counts, tally, strings) == 0 &&
        fill_called(called, tally, functions) == 0 &&
        fill_callers(callers, tally, functions) == 0) {
        result = PyTuple_Pack(3, counts, called, callers);
    }
done:
    Py_XDECREF(functions);
    Py_XDECREF(strings);
    Py_XDECREF(callers);
    Py_XDECREF(called);
    Py_XDECREF(counts);
    return result;
}

PyDoc_STRVAR(loads_counts_doc,
             "loads_counts(data, /)\n--\n\n"
             "The three dicts in the bytes of a counts file.\n\n"
             "Nothing in the bytes can make code run. Raises ValueError when "
             "they are anything\nbut a counts file.");

static PyObject *
loads_counts(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    xt_tally tally = {0};
    xt_pickle_fault fault = {0};
    xt_status status =
        xt_pickle_read(view.buf, (size_t)view.len, &tally, &fault);
    PyBuffer_Release(&view);
    if (status == XT_CORRUPT || status == XT_UNSUPPORTED) {
        return PyErr_Format(PyExc_ValueError,
                            "not a counts file: byte %zu: %s", fault.offset,
                            fault.what);
    }
    if (status != XT_OK) {
        return errors_raise(status, "counts file");
    }
    PyObject *result = build_dicts(&tally);
    xt_tally_fini(&tally);
    return result;
}

/* Writing: from dicts to a tally. Helpers return 0, or -1 with an exception
   set. */

typedef struct {
    xt_tally tally;
    PyObject *last; /* borrowed from the dict being read: the string looked
                       up last, as keys of one file come in a row */
    uint32_t last_id;
} taker;

static int
check(xt_status status)
{
    if (status == XT_OK) {
        return 0;
    }
    errors_raise(status, "counts file");
    return -1;
}

static int
take_string(taker *t, PyObject *text, uint32_t *id)
{
    if (text == t->last) {
        *id = t->last_id;
        return 0;
    }
    Py_ssize_t len;
    PyObject *encoded = NULL;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
            return -1;
        }
        /* Surrogates, as in the names of files with undecodable bytes. */
        PyErr_Clear();
        encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
        if (encoded == NULL) {
            return -1;
        }
        bytes = PyBytes_AS_STRING(encoded);
        len = PyBytes_GET_SIZE(encoded);
    }
    xt_status status =
        xt_strtab_intern(&t->tally.strings, bytes, (size_t)len, id);
    Py_XDECREF(encoded);
    if (status == XT_OK) {
        t->last = text;
        t->last_id = *id;
    }
    return check(status);
}

static int
is_function(PyObject *key)
{
    return PyTuple_Check(key) && PyTuple_GET_SIZE(key) == 3 &&
           PyUnicode_Check(PyTuple_GET_ITEM(key, 0)) &&
           (PyTuple_GET_ITEM(key, 1) == Py_None ||
            PyUnicode_Check(PyTuple_GET_ITEM(key, 1))) &&
           PyUnicode_Check(PyTuple_GET_ITEM(key, 2));
}

static int
take_function(taker *t, PyObject *key, uint32_t *function)
{
    uint32_t file, name;
    uint32_t module = XT_STRTAB_NONE;
    PyObject *module_name = PyTuple_GET_ITEM(key, 1);
    if (take_string(t, PyTuple_GET_ITEM(key, 0), &file) < 0 ||
        (module_name != Py_None && take_string(t, module_name, &module) < 0) ||
        take_string(t, PyTuple_GET_ITEM(key, 2), &name) < 0) {
        return -1;
    }
    return check(
        xt_tally_function_number(&t->tally, file, module, name, function));
}

/* Sets *number from an int that fits 64 bits. */
static int
take_number(PyObject *item, PyObject *key, int64_t *number)
{
    int overflow;
    long long result = PyLong_AsLongLongAndOverflow(item, &overflow);
    if (overflow != 0) {
        PyErr_Format(PyExc_ValueError,
                     "counts[%R]: %S needs more than 64 bits", key, item);
        return -1;
    }
    *number = result;
    return result == -1 && PyErr_Occurred() ? -1 : 0;
}

static int
take_count(taker *t, PyObject *key, PyObject *value)
{
    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != 2 ||
        !PyUnicode_Check(PyTuple_GET_ITEM(key, 0)) ||
        !PyLong_Check(PyTuple_GET_ITEM(key, 1))) {
        PyErr_Format(PyExc_TypeError,
                     "counts: key %R is not (file name, line number)", key);
        return -1;
    }
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "counts[%R]: %R is not an int", key,
                     value);
        return -1;
    }
    uint32_t file;
    int64_t line, count;
    if (take_string(t, PyTuple_GET_ITEM(key, 0), &file) < 0 ||
        take_number(PyTuple_GET_ITEM(key, 1), key, &line) < 0 ||
        take_number(value, key, &count) < 0) {
        return -1;
    }
    if (count < 0) {
        PyErr_Format(PyExc_ValueError, "counts[%R]: %R is below zero", key,
                     value);
        return -1;
    }
    return check(xt_tally_set_count(&t->tally, file, line, count));
}

static int
take_called(taker *t, PyObject *key, PyObject *Py_UNUSED(value))
{
    if (!is_function(key)) {
        PyErr_Format(PyExc_TypeError,
                     "calledfuncs: key %R is not (file name, module name, "
                     "function name)",
                     key);
        return -1;
    }
    uint32_t function;
    if (take_function(t, key, &function) < 0) {
        return -1;
    }
    xt_tally_set_called(&t->tally, function);
    return 0;
}

static int
take_call(taker *t, PyObject *key, PyObject *Py_UNUSED(value))
{
    if (PyUnicode_Check(key)) {
        uint32_t string;
        if (take_string(t, key, &string) < 0) {
            return -1;
        }
        return check(xt_tally_add_named_call(&t->tally, string));
    }
    if (!PyTuple_Check(key) || PyTuple_GET_SIZE(key) != 2 ||
        !is_function(PyTuple_GET_ITEM(key, 0)) ||
        !is_function(PyTuple_GET_ITEM(key, 1))) {
        PyErr_Format(PyExc_TypeError,
                     "callers: key %R is not (caller, callee), each (file "
                     "name, module name, function name)",
                     key);
        return -1;
    }
    uint32_t caller, callee;
    if (take_function(t, PyTuple_GET_ITEM(key, 0), &caller) < 0 ||
        take_function(t, PyTuple_GET_ITEM(key, 1), &callee) < 0) {
        return -1;
    }
    return check(xt_tally_add_call(&t->tally, caller, callee));
}

typedef int take_item(taker *t, PyObject *key, PyObject *value);

static int
take_dict(taker *t, PyObject *dict, const char *name, take_item *take)
{
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "%s: a dict is needed, not %.100s", name,
                     Py_TYPE(dict)->tp_name);
        return -1;
    }
    /* Other threads may be counting, and an error handler may run code: go
       through a copy, that nobody changes. */
    PyObject *copy = PyDict_Copy(dict);
    if (copy == NULL) {
        return -1;
    }
    t->last = NULL;
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    int result = 0;
    while (result == 0 && PyDict_Next(copy, &pos, &key, &value)) {
        result = take(t, key, value);
    }
    Py_DECREF(copy);
    return result;
}

PyDoc_STRVAR(dumps_counts_doc,
             "dumps_counts(counts, calledfuncs, callers, /)\n--\n\n"
             "The bytes of a counts file, which the trace module can read.\n\n"
             "The values of calledfuncs and callers are written as 1. Raises "
             "TypeError or\nValueError, naming the item, for what such a "
             "file cannot hold.");

static PyObject *
dumps_counts(PyObject *Py_UNUSED(module), PyObject *const *args,
             Py_ssize_t nargs)
{
    if (nargs != 3) {
        return PyErr_Format(PyExc_TypeError,
                            "dumps_counts() takes 3 arguments (%zd given)",
                            nargs);
    }
    PyObject *result = NULL;
    taker t = {0};
    xt_buf out = {0};
    if (take_dict(&t, args[0], "counts", take_count) == 0 &&
        take_dict(&t, args[1], "calledfuncs", take_called) == 0 &&
        take_dict(&t, args[2], "callers", take_call) == 0 &&
        check(xt_pickle_write(&t.tally, &out)) == 0) {
        result = PyBytes_FromStringAndSize(out.bytes, (Py_ssize_t)out.len);
    }
    xt_buf_fini(&out);
    xt_tally_fini(&t.tally);
    return result;
}

PyMethodDef countsfile_methods[] = {
    {"loads_counts", loads_counts, METH_O, loads_counts_doc},
    {"dumps_counts", (PyCFunction)(void (*)(void))dumps_counts, METH_FASTCALL,
     dumps_counts_doc},
    {NULL, NULL, 0, NULL},
};
