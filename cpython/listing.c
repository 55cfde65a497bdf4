// SPDX-License-Identifier: Apache-2.0
/* What the Python side of a report asks for: the lines of a code object and
   of docstrings, annotated listings, the summary table. A source file goes
   through here as one string, never line by line. */
#include "listing.h"

#include <string.h>

#include "annotate.h"
#include "bitset.h"
#include "buf.h"
#include "docstrings.h"
#include "errors.h"
#include "location.h"
#include "mem.h"
#include "pyc.h"
#include "summary.h"

/* Adds the lines of a code object and of all code in its constants. Returns
   0, or -1 with an exception set. */
static int
collect_code(PyCodeObject *code, xt_location_lines *into)
{
    xt_status status =
        xt_location_collect(PyBytes_AS_STRING(code->co_linetable),
                            (size_t)PyBytes_GET_SIZE(code->co_linetable),
                            code->co_firstlineno, into);
    if (status != XT_OK) {
        errors_raise(status, "location table");
        return -1;
    }
    if (Py_EnterRecursiveCall(" in nested code")) {
        return -1;
    }
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(code->co_consts);
         i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(item)) {
            failed = collect_code((PyCodeObject *)item, into);
        }
    }
    Py_LeaveRecursiveCall();
    return failed;
}

/* Adds the lines of `code`: a code object, or the bytes of a compiled file.
   Returns 0, or -1 with an exception set. */
static int
collect_lines(PyObject *code, xt_location_lines *into)
{
    if (PyCode_Check(code)) {
        return collect_code((PyCodeObject *)code, into);
    }
    char *bytes;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(code, &bytes, &len) < 0) {
        return -1;
    }
    xt_status status = xt_pyc_collect(bytes, (size_t)len, into);
    if (status != XT_OK) {
        errors_raise(status, "compiled file");
        return -1;
    }
    return 0;
}

/* Sets dict[line] = 1 for each line. Returns 0, or -1 with an exception. */
static int
add_lines_to_dict(PyObject *dict, const xt_bitset *lines)
{
    PyObject *one = PyLong_FromLong(1);
    if (one == NULL) {
        return -1;
    }
    int failed = 0;
    for (size_t line = 0; !failed && xt_bitset_next(lines, &line); line++) {
        PyObject *key = PyLong_FromSize_t(line);
        failed = key == NULL || PyDict_SetItem(dict, key, one) < 0;
        Py_XDECREF(key);
    }
    Py_DECREF(one);
    return failed ? -1 : 0;
}

PyDoc_STRVAR(code_lines_doc,
             "code_lines(code, limit, /)\n--\n\n"
             "Return {line: 1} for every line from 0 to limit that the code\n"
             "object, or the bytes of a compiled file, has instructions on;\n"
             "with the key None if an instruction has no line.");

static PyObject *
listing_code_lines(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *code;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "On:code_lines", &code, &limit)) {
        return NULL;
    }
    xt_location_lines found = {.limit = limit < 0 ? 0 : (size_t)limit};
    PyObject *dict = NULL;
    if (collect_lines(code, &found) < 0) {
        goto done;
    }
    dict = PyDict_New();
    if (dict == NULL || add_lines_to_dict(dict, &found.lines) < 0) {
        Py_CLEAR(dict);
        goto done;
    }
    if (found.has_gap) {
        PyObject *one = PyLong_FromLong(1);
        if (one == NULL || PyDict_SetItem(dict, Py_None, one) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(one);
    }
done:
    xt_bitset_fini(&found.lines);
    return dict;
}

PyDoc_STRVAR(
    docstring_lines_doc,
    "docstring_lines(text, /)\n--\n\n"
    "Return {line: 1} for every line of a string that comes first in\n"
    "the text or right after an indent. Lines end with \\n.");

static PyObject *
listing_docstring_lines(PyObject *Py_UNUSED(module), PyObject *text)
{
    Py_ssize_t len;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &len);
    if (utf8 == NULL) {
        return NULL;
    }
    xt_bitset lines = {0};
    xt_status status =
        xt_docstrings_find(utf8, (size_t)len, PY_MINOR_VERSION, &lines);
    PyObject *dict = NULL;
    if (status != XT_OK) {
        errors_raise(status, "source");
        goto done;
    }
    dict = PyDict_New();
    if (dict != NULL && add_lines_to_dict(dict, &lines) < 0) {
        Py_CLEAR(dict);
    }
done:
    xt_bitset_fini(&lines);
    return dict;
}

/* Returns a new array of `n_lines + 1` counts, to be freed with xt_free(),
   or NULL with an exception set. */
static int64_t *
counts_by_line(PyObject *hits, size_t n_lines)
{
    int64_t *counts = NULL;
    size_t cap = 0;
    counts = xt_grow(NULL, &cap, n_lines + 1, sizeof(*counts));
    if (counts == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i <= n_lines; i++) {
        counts[i] = XT_ANNOTATE_NO_COUNT;
    }
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *value;
    while (PyDict_Next(hits, &at, &key, &value)) {
        if (!PyLong_CheckExact(key) || !PyLong_CheckExact(value)) {
            PyErr_SetString(PyExc_TypeError, "lines and counts must be int");
            goto error;
        }
        int overflow;
        long long line = PyLong_AsLongLongAndOverflow(key, &overflow);
        long long count = PyLong_AsLongLong(value);
        if (count == -1 && PyErr_Occurred()) {
            goto error;
        }
        if (overflow == 0 && line > 0 && (size_t)line <= n_lines) {
            counts[line] = count;
        }
    }
    return counts;
error:
    xt_free(counts);
    return NULL;
}

PyDoc_STRVAR(executable_doc,
             "executable(text, code, /)\n--\n\n"
             "Return the lines of a source text that can run, as bytes that\n"
             "annotate() takes. code is the compiled text: a code object, or\n"
             "the bytes of a compiled file. Lines end with \\n. Raises\n"
             "ValueError when code is corrupt.");

static PyObject *
listing_executable(PyObject *Py_UNUSED(module), PyObject *args)
{
    const char *text;
    Py_ssize_t len;
    PyObject *code;
    if (!PyArg_ParseTuple(args, "s#O:executable", &text, &len, &code)) {
        return NULL;
    }
    PyObject *set = NULL;
    xt_bitset docstrings = {0};
    xt_location_lines found = {
        .limit = xt_annotate_count_lines(text, (size_t)len),
    };
    if (collect_lines(code, &found) < 0) {
        goto done;
    }
    xt_status status =
        xt_docstrings_find(text, (size_t)len, PY_MINOR_VERSION, &docstrings);
    if (status != XT_OK) {
        errors_raise(status, "source");
        goto done;
    }
    xt_bitset_subtract(&found.lines, &docstrings);
    set = PyBytes_FromStringAndSize(
        (const char *)found.lines.words,
        (Py_ssize_t)(found.lines.cap * sizeof(*found.lines.words)));
done:
    xt_bitset_fini(&docstrings);
    xt_bitset_fini(&found.lines);
    return set;
}

/* Makes a set, which the caller must fini, of what listing_executable()
   returned. Returns 0, or -1 with an exception set. */
static int
set_from_bytes(const char *bytes, Py_ssize_t len, xt_bitset *set)
{
    size_t n = (size_t)len / sizeof(*set->words);
    if (n == 0) {
        return 0;
    }
    set->words = xt_grow(NULL, &set->cap, n, sizeof(*set->words));
    if (set->words == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(set->words, 0, set->cap * sizeof(*set->words));
    memcpy(set->words, bytes, n * sizeof(*set->words));
    return 0;
}

/* Annotates `source`, whose counts are not yet filled in. Returns (listing,
   lines hit, lines), or NULL with an exception set. */
static PyObject *
annotate(xt_annotate_source *source, PyObject *hits)
{
    PyObject *result = NULL;
    xt_buf out = {0};
    size_t n_lines = xt_annotate_count_lines(source->text, source->len);
    int64_t *counts = counts_by_line(hits, n_lines);
    if (counts == NULL) {
        return NULL;
    }
    source->counts = counts;
    source->counts_len = n_lines + 1;
    xt_annotate_totals totals;
    /* Without tabs this is the size of it. */
    xt_status status = xt_buf_reserve(&out, source->len + n_lines * 8);
    if (status == XT_OK) {
        status = xt_annotate_write(source, &out, &totals);
    }
    if (status == XT_OK) {
        result =
            Py_BuildValue("y#nn", out.bytes, (Py_ssize_t)out.len,
                          (Py_ssize_t)totals.hit, (Py_ssize_t)totals.lines);
    }
    else {
        errors_raise(status, "listing");
    }
    xt_buf_fini(&out);
    xt_free(counts);
    return result;
}

PyDoc_STRVAR(
    annotate_doc,
    "annotate(text, hits, executable, pragma, /)\n--\n\n"
    "Return (listing, lines hit, lines hit or missing) of a source text "
    "whose\n"
    "lines end with \\n; the listing is UTF-8. hits maps lines to counts.\n"
    "executable, from executable(), says what lines can be missing; a line\n"
    "that holds pragma never is. Raises TypeError or OverflowError when hits\n"
    "holds anything but integers, or a count of more than 64 bits.");

static PyObject *
listing_annotate(PyObject *Py_UNUSED(module), PyObject *args)
{
    xt_annotate_source source = {0};
    Py_ssize_t len;
    Py_ssize_t pragma_len;
    PyObject *hits;
    const char *lines;
    Py_ssize_t lines_len;
    if (!PyArg_ParseTuple(args, "s#O!y#s#:annotate", &source.text, &len,
                          &PyDict_Type, &hits, &lines, &lines_len,
                          &source.pragma, &pragma_len)) {
        return NULL;
    }
    xt_bitset executable = {0};
    if (set_from_bytes(lines, lines_len, &executable) < 0) {
        return NULL;
    }
    source.len = (size_t)len;
    source.pragma_len = (size_t)pragma_len;
    source.executable = &executable;
    PyObject *result = annotate(&source, hits);
    xt_bitset_fini(&executable);
    return result;
}

/* Returns the dict of `filename` in `by_file`, borrowed; makes it if there is
   none. NULL with an exception set on failure. */
static PyObject *
counts_of_file(PyObject *by_file, PyObject *filename)
{
    PyObject *counts = PyDict_GetItemWithError(by_file, filename);
    if (counts != NULL || PyErr_Occurred()) {
        return counts;
    }
    counts = PyDict_New();
    if (counts == NULL || PyDict_SetItem(by_file, filename, counts) < 0) {
        Py_XDECREF(counts);
        return NULL;
    }
    Py_DECREF(counts); /* by_file holds it */
    return counts;
}

/* Puts one item of the counts into `by_file`. Returns the dict of its file,
   borrowed, or NULL with an exception set. The last two are
   those of the item before, as neighbours mostly share their file. */
static PyObject *
group_item(PyObject *by_file, PyObject *key, PyObject *count,
           PyObject *last_file, PyObject *last_counts)
{
    if (!PyTuple_CheckExact(key) || PyTuple_GET_SIZE(key) != 2 ||
        !PyUnicode_CheckExact(PyTuple_GET_ITEM(key, 0)) ||
        !PyLong_CheckExact(PyTuple_GET_ITEM(key, 1))) {
        PyErr_SetString(PyExc_TypeError, "a key of counts must be (str, int)");
        return NULL;
    }
    PyObject *file = PyTuple_GET_ITEM(key, 0);
    PyObject *file_counts =
        file == last_file ? last_counts : counts_of_file(by_file, file);
    if (file_counts != NULL &&
        PyDict_SetItem(file_counts, PyTuple_GET_ITEM(key, 1), count) < 0) {
        return NULL;
    }
    return file_counts;
}

PyDoc_STRVAR(group_counts_doc,
             "group_counts(counts, /)\n--\n\n"
             "Turn {(filename, line): count} into {filename: {line: count}}.\n"
             "Raises TypeError when a key is no tuple of a str and an int.");

static PyObject *
listing_group_counts(PyObject *Py_UNUSED(module), PyObject *counts)
{
    if (!PyDict_CheckExact(counts)) {
        return PyErr_Format(PyExc_TypeError, "counts must be a dict");
    }
    PyObject *by_file = PyDict_New();
    if (by_file == NULL) {
        return NULL;
    }
    PyObject *file = NULL;        /* borrowed from a key of by_file */
    PyObject *file_counts = NULL; /* borrowed from by_file */
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *count;
    while (PyDict_Next(counts, &at, &key, &count)) {
        /* A new dict can start the garbage collector, and that a finalizer
           which takes the item away. */
        Py_INCREF(key);
        Py_INCREF(count);
        file_counts = group_item(by_file, key, count, file, file_counts);
        if (file_counts != NULL) {
            file = PyTuple_GET_ITEM(key, 0);
        }
        Py_DECREF(key);
        Py_DECREF(count);
        if (file_counts == NULL) {
            Py_DECREF(by_file);
            return NULL;
        }
    }
    return by_file;
}

/* Appends one row (module, hit, lines, file). Returns 0, or -1 with an
   exception set. */
static int
append_row(PyObject *item, xt_summary_style style, xt_buf *out)
{
    PyObject *module;
    PyObject *file;
    unsigned long long hit;
    unsigned long long lines;
    if (!PyArg_ParseTuple(item, "UKKU", &module, &hit, &lines, &file)) {
        return -1;
    }
    int failed = -1;
    /* A file name that is not valid in the encoding of the file system holds
       lone surrogates. */
    PyObject *m = PyUnicode_AsEncodedString(module, "utf-8", "surrogatepass");
    PyObject *f = PyUnicode_AsEncodedString(file, "utf-8", "surrogatepass");
    if (m != NULL && f != NULL) {
        const xt_summary_row row = {
            .hit = hit,
            .lines = lines == 0 ? 1 : lines,
            .module = PyBytes_AS_STRING(m),
            .module_len = (size_t)PyBytes_GET_SIZE(m),
            .file = PyBytes_AS_STRING(f),
            .file_len = (size_t)PyBytes_GET_SIZE(f),
        };
        xt_status status = xt_summary_write_row(&row, style, out);
        failed = status == XT_OK ? 0 : -1;
        if (failed) {
            errors_raise(status, "summary");
        }
    }
    Py_XDECREF(m);
    Py_XDECREF(f);
    return failed;
}

PyDoc_STRVAR(
    summary_doc,
    "summary(rows, tenths, /)\n--\n\n"
    "Return the summary table of a list of (module, lines hit, lines,\n"
    "file), with shares in whole percents, or in tenths of them.");

static PyObject *
listing_summary(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *rows;
    int tenths;
    if (!PyArg_ParseTuple(args, "O!p:summary", &PyList_Type, &rows, &tenths)) {
        return NULL;
    }
    xt_buf out = {0};
    PyObject *text = NULL;
    xt_status status = xt_summary_write_head(&out);
    if (status != XT_OK) {
        errors_raise(status, "summary");
        goto done;
    }
    xt_summary_style style = tenths ? XT_SUMMARY_TENTHS : XT_SUMMARY_WHOLE;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++) {
        if (append_row(PyList_GET_ITEM(rows, i), style, &out) < 0) {
            goto done;
        }
    }
    text =
        PyUnicode_DecodeUTF8(out.bytes, (Py_ssize_t)out.len, "surrogatepass");
done:
    xt_buf_fini(&out);
    return text;
}

PyMethodDef listing_methods[] = {
    {"annotate", listing_annotate, METH_VARARGS, annotate_doc},
    {"code_lines", listing_code_lines, METH_VARARGS, code_lines_doc},
    {"docstring_lines", listing_docstring_lines, METH_O, docstring_lines_doc},
    {"executable", listing_executable, METH_VARARGS, executable_doc},
    {"group_counts", listing_group_counts, METH_O, group_counts_doc},
    {"summary", listing_summary, METH_VARARGS, summary_doc},
    {NULL, NULL, 0, NULL},
};
