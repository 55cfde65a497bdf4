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

PyDoc_STRVAR(merge_add_doc,
             "add($self, data, /)\n--\n\n"
             "Add a counts file, and return its notes; None if the bytes do "
             "not begin as\none. Raises ValueError, with nothing added, when "
             "it is damaged.");

static PyObject *
merge_add(MergeObject *self, PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
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
    if (take_pairs(&pairs, names) == 0) {
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
            PyErr_SetString(PyExc_ValueError,
                            "a count is above 2**63 - 1 and cannot be kept");
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
