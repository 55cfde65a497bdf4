// SPDX-License-Identifier: Apache-2.0
#include "merging.h"

#include "errors.h"
#include "mem.h"
#include "merge.h"

typedef struct {
    PyObject_HEAD
    xt_merge merge;
} MergeObject;

/* The strings of a dict as text in UTF-8: keys and values. */
typedef struct {
    PyObject *bytes;      /* owned list: keeps the text alive */
    xt_merge_text *texts; /* owned: all keys, then all values */
    Py_ssize_t len;       /* of each */
} text_pairs;

static void
pairs_fini(text_pairs *pairs)
{
    Py_CLEAR(pairs->bytes);
    PyMem_Free(pairs->texts);
}

static int
take_text(text_pairs *pairs, PyObject *text, xt_merge_text *place)
{
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "expected a str, not %R", text);
        return -1;
    }
    PyObject *bytes =
        PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (bytes == NULL) {
        return -1;
    }
    place->bytes = PyBytes_AS_STRING(bytes);
    place->len = (size_t)PyBytes_GET_SIZE(bytes);
    int result = PyList_Append(pairs->bytes, bytes);
    Py_DECREF(bytes);
    return result;
}

/* Fills zero pairs; they are to be freed also after a failure. */
static int
take_pairs(text_pairs *pairs, PyObject *dict)
{
    PyObject *items = PyMapping_Items(dict);
    if (items == NULL) {
        return -1;
    }
    pairs->len = PyList_GET_SIZE(items);
    pairs->bytes = PyList_New(0);
    pairs->texts = PyMem_New(xt_merge_text, 2 * (size_t)pairs->len);
    int result = pairs->bytes == NULL || pairs->texts == NULL ? -1 : 0;
    if (result < 0) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < pairs->len && result == 0; i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        result = take_text(pairs, PyTuple_GET_ITEM(item, 0), &pairs->texts[i]);
        if (result == 0) {
            result = take_text(pairs, PyTuple_GET_ITEM(item, 1),
                               &pairs->texts[pairs->len + i]);
        }
    }
    Py_DECREF(items);
    return result;
}

static PyObject *
text_of(const xt_merge *merge, uint32_t string)
{
    size_t len;
    const char *bytes = xt_strtab_get(&merge->strings, string, &len);
    return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, "surrogatepass");
}

static PyObject *
notes_of(const xt_merge *merge)
{
    PyObject *notes = PyDict_New();
    for (size_t i = 0; notes != NULL && i < merge->nnotes; i += 2) {
        PyObject *key = text_of(merge, merge->notes[i]);
        PyObject *value =
            key == NULL ? NULL : text_of(merge, merge->notes[i + 1]);
        if (value == NULL || PyDict_SetItem(notes, key, value) < 0) {
            Py_CLEAR(notes);
        }
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return notes;
}

static PyObject *
refuse_too_large(void)
{
    PyErr_SetString(PyExc_ValueError,
                    "a count is above 2**63 - 1 and cannot be kept");
    return NULL;
}

/* Raises ValueError, and returns true, if nothing can be added any more. */
static bool
is_being_read(const MergeObject *self)
{
    if (self->merge.is_sorted) {
        PyErr_SetString(PyExc_ValueError, "the sum is being read");
    }
    return self->merge.is_sorted;
}

PyDoc_STRVAR(merge_add_doc,
             "add($self, data, /)\n--\n\n"
             "Add a counts file, and return its notes; None if the bytes do "
             "not begin as\none. Raises ValueError, with nothing added, when "
             "it is damaged.");

static PyObject *
merge_add(MergeObject *self, PyObject *data)
{
    Py_buffer view;
    if (is_being_read(self) ||
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!xt_tables_is_file(view.buf, (size_t)view.len)) {
        result = Py_NewRef(Py_None);
    }
    else {
        xt_tables_fault fault;
        xt_status status =
            xt_merge_add(&self->merge, view.buf, (size_t)view.len, &fault);
        if (status == XT_OK) {
            result = notes_of(&self->merge);
        }
        else if (fault.what != NULL) {
            PyErr_Format(PyExc_ValueError, "damaged counts file: byte %zu: %s",
                         fault.offset, fault.what);
        }
        else {
            errors_raise(status, "counts file");
        }
    }
    PyBuffer_Release(&view);
    return result;
}

PyDoc_STRVAR(merge_paths_doc, "paths($self, /)\n--\n\n"
                              "The names of all files that are counted.");

static PyObject *
merge_paths(MergeObject *self, PyObject *Py_UNUSED(unused))
{
    xt_bitset found = {0};
    xt_status status = xt_merge_paths(&self->merge, &found);
    PyObject *names =
        status == XT_OK ? PyList_New(0) : errors_raise(status, "counts");
    for (size_t id = 0; names != NULL && xt_bitset_next(&found, &id); id++) {
        PyObject *name = text_of(&self->merge, (uint32_t)id);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    xt_bitset_fini(&found);
    return names;
}

PyDoc_STRVAR(merge_rename_doc,
             "rename($self, names, /)\n--\n\n"
             "Give files other names, by a dict from the old one. What then "
             "has one name\nis summed.");

static PyObject *
merge_rename(MergeObject *self, PyObject *names)
{
    text_pairs pairs = {0};
    PyObject *result = NULL;
    if (!is_being_read(self) && take_pairs(&pairs, names) == 0) {
        xt_status status =
            xt_merge_rename(&self->merge, pairs.texts, pairs.texts + pairs.len,
                            (size_t)pairs.len);
        result = status == XT_OK ? Py_NewRef(Py_None)
                                 : errors_raise(status, "counts");
    }
    pairs_fini(&pairs);
    return result;
}

/* Puts keys and values side by side, as notes are written. */
static xt_merge_text *
side_by_side(const text_pairs *pairs)
{
    xt_merge_text *texts = PyMem_New(xt_merge_text, 2 * (size_t)pairs->len);
    if (texts == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < pairs->len; i++) {
        texts[2 * i] = pairs->texts[i];
        texts[2 * i + 1] = pairs->texts[pairs->len + i];
    }
    return texts;
}

PyDoc_STRVAR(
    merge_dumps_doc,
    "dumps($self, notes, /)\n--\n\n"
    "The bytes of a counts file with the sum. Equal sums have equal "
    "bytes. Raises\nValueError when a count is too large for a file.");

static PyObject *
merge_dumps(MergeObject *self, PyObject *notes)
{
    text_pairs pairs = {0};
    xt_merge_text *texts = NULL;
    PyObject *result = NULL;
    if (take_pairs(&pairs, notes) == 0) {
        texts = side_by_side(&pairs);
    }
    if (texts != NULL) {
        xt_buf out = {0};
        xt_status status =
            xt_merge_write(&self->merge, texts, (size_t)pairs.len, &out);
        if (status == XT_OK) {
            result = PyBytes_FromStringAndSize(out.bytes, (Py_ssize_t)out.len);
        }
        else if (self->merge.too_large) {
            refuse_too_large();
        }
        else {
            errors_raise(status, "counts");
        }
        xt_buf_fini(&out);
    }
    PyMem_Free(texts);
    pairs_fini(&pairs);
    return result;
}

/* --- Reading ------------------------------------------------------------- */

PyDoc_STRVAR(
    merge_sort_doc,
    "sort($self, /)\n--\n\n"
    "Make the rows ready for names() and rows(); nothing can be added "
    "from then on.\nRaises ValueError when a count is too large for a "
    "file.");

static PyObject *
merge_sort(MergeObject *self, PyObject *Py_UNUSED(unused))
{
    if (self->merge.too_large) {
        return refuse_too_large();
    }
    xt_merge_sort(&self->merge);
    Py_RETURN_NONE;
}

/* The number of the table of a kind, if the sum can be read; else raises. */
static Py_ssize_t
table_of(const xt_merge *merge, unsigned long kind)
{
    if (!merge->is_sorted) {
        PyErr_SetString(PyExc_ValueError, "sort() comes first");
        return -1;
    }
    for (size_t i = 0; i < XT_MERGESPECS; i++) {
        if (xt_mergespecs[i].kind == kind) {
            return (Py_ssize_t)i;
        }
    }
    PyErr_Format(PyExc_ValueError, "no rows are of kind %lu", kind);
    return -1;
}

PyDoc_STRVAR(merge_names_doc,
             "names($self, kind, /)\n--\n\n"
             "What the rows of a section begin with, each once: the files.");

static PyObject *
merge_names(MergeObject *self, PyObject *kind)
{
    unsigned long wanted = PyLong_AsUnsignedLong(kind);
    if (wanted == (unsigned long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    Py_ssize_t number = table_of(&self->merge, wanted);
    if (number < 0) {
        return NULL;
    }
    const xt_merge_table *table = &self->merge.tables[number];
    size_t columns = xt_mergespecs[number].columns;
    PyObject *names = PyList_New(0);
    int64_t last = XT_STRTAB_NONE;
    for (size_t i = 0; names != NULL && i < table->count; i++) {
        int64_t next = table->rows[i * columns];
        if (next == last) {
            continue;
        }
        last = next;
        PyObject *name = text_of(&self->merge, (uint32_t)next);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    return names;
}

/* Strings of the row before, column by column: most are those of the next. */
typedef struct {
    int64_t ids[XT_MERGESPEC_WIDEST];
    PyObject *texts[XT_MERGESPEC_WIDEST]; /* owned; NULL: none yet */
} row_texts;

static PyObject *
cell_of(const xt_merge *merge, size_t table, const int64_t *row,
        unsigned column, row_texts *last)
{
    int64_t number = row[column];
    if ((xt_mergespecs[table].texts >> column & 1) == 0) {
        return PyLong_FromLongLong(number);
    }
    if (number == XT_STRTAB_NONE) {
        Py_RETURN_NONE;
    }
    if (last->texts[column] == NULL || last->ids[column] != number) {
        Py_XSETREF(last->texts[column], text_of(merge, (uint32_t)number));
        last->ids[column] = number;
    }
    return Py_XNewRef(last->texts[column]);
}

/* A list with a tuple for each row, without the first `skipped` columns. */
static PyObject *
tuples_of(const xt_merge *merge, size_t table, const int64_t *rows,
          size_t count, unsigned skipped)
{
    unsigned columns = xt_mergespecs[table].columns;
    row_texts last = {0};
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *tuple = PyTuple_New((Py_ssize_t)(columns - skipped));
        for (unsigned j = skipped; tuple != NULL && j < columns; j++) {
            PyObject *cell =
                cell_of(merge, table, rows + i * columns, j, &last);
            if (cell == NULL) {
                Py_CLEAR(tuple);
                break;
            }
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)(j - skipped), cell);
        }
        if (tuple == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, tuple);
    }
    for (unsigned j = 0; j < XT_MERGESPEC_WIDEST; j++) {
        Py_XDECREF(last.texts[j]);
    }
    return list;
}

PyDoc_STRVAR(merge_rows_doc,
             "rows($self, kind, name=None, /)\n--\n\n"
             "The rows of a section, as tuples; with a name, of those that "
             "begin with it\nwhat follows.");

static PyObject *
merge_rows(MergeObject *self, PyObject *args)
{
    unsigned long kind;
    PyObject *name = Py_None;
    if (!PyArg_ParseTuple(args, "k|O:rows", &kind, &name)) {
        return NULL;
    }
    xt_merge *merge = &self->merge;
    Py_ssize_t table = table_of(merge, kind);
    if (table < 0) {
        return NULL;
    }
    if (name == Py_None) {
        return tuples_of(merge, (size_t)table, merge->tables[table].rows,
                         merge->tables[table].count, 0);
    }
    if (!PyUnicode_Check(name)) {
        return PyErr_Format(PyExc_TypeError, "expected a str, not %R", name);
    }
    PyObject *bytes =
        PyUnicode_AsEncodedString(name, "utf-8", "surrogatepass");
    if (bytes == NULL) {
        return NULL;
    }
    uint32_t string;
    size_t count = 0;
    xt_status status =
        xt_strtab_intern(&merge->strings, PyBytes_AS_STRING(bytes),
                         (size_t)PyBytes_GET_SIZE(bytes), &string);
    Py_DECREF(bytes);
    if (status != XT_OK) {
        return errors_raise(status, "counts");
    }
    const int64_t *rows =
        xt_merge_rows_of(merge, (size_t)table, string, &count);
    return tuples_of(merge, (size_t)table, rows, count, 1);
}

static PyObject *
merge_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":Merge", names)) {
        return NULL;
    }
    return type->tp_alloc(type, 0);
}

static void
merge_dealloc(MergeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    xt_merge_fini(&self->merge);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef merge_methods[] = {
    {"add", (PyCFunction)merge_add, METH_O, merge_add_doc},
    {"paths", (PyCFunction)merge_paths, METH_NOARGS, merge_paths_doc},
    {"rename", (PyCFunction)merge_rename, METH_O, merge_rename_doc},
    {"dumps", (PyCFunction)merge_dumps, METH_O, merge_dumps_doc},
    {"sort", (PyCFunction)merge_sort, METH_NOARGS, merge_sort_doc},
    {"names", (PyCFunction)merge_names, METH_O, merge_names_doc},
    {"rows", (PyCFunction)merge_rows, METH_VARARGS, merge_rows_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(merge_doc, "Merge()\n--\n\n"
                        "The sum of counts files: the same in whatever order "
                        "they come. For one\nthread at a time.");

static PyType_Slot merge_slots[] = {
    {Py_tp_doc, (void *)merge_doc},
    {Py_tp_new, merge_new},
    {Py_tp_dealloc, merge_dealloc},
    {Py_tp_methods, merge_methods},
    {0, NULL},
};

static PyType_Spec merge_spec = {
    .name = "exactrace._native.Merge",
    .basicsize = sizeof(MergeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = merge_slots,
};

int
merging_init(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &merge_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}
