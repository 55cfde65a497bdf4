// SPDX-License-Identifier: Apache-2.0
#include "tablesfile.h"

#include "errors.h"
#include "mem.h"
#include "tables.h"

/* Sections whose bytes lie in Python's objects. */
typedef struct {
    xt_section *sections; /* owned array */
    Py_buffer *views;     /* owned array, one for each section */
    Py_ssize_t len;       /* that are filled */
} section_list;

static void
release(section_list *list)
{
    for (Py_ssize_t i = 0; i < list->len; i++) {
        PyBuffer_Release(&list->views[i]);
    }
    PyMem_Free(list->sections);
    PyMem_Free(list->views);
}

static int
take_section(section_list *list, PyObject *item)
{
    unsigned int kind, columns;
    Py_buffer *view = &list->views[list->len];
    if (!PyTuple_Check(item)) {
        PyErr_SetString(PyExc_TypeError,
                        "a section is (kind, columns, bytes)");
        return -1;
    }
    if (!PyArg_ParseTuple(item, "IIy*:pack_tables", &kind, &columns, view)) {
        return -1;
    }
    list->sections[list->len++] = (xt_section){
        .kind = kind,
        .columns = columns,
        .bytes = view->buf,
        .len = (uint64_t)view->len,
    };
    return 0;
}

static int
take_sections(section_list *list, PyObject *items)
{
    Py_ssize_t len = PyTuple_GET_SIZE(items);
    list->sections = PyMem_New(xt_section, (size_t)len);
    list->views = PyMem_New(Py_buffer, (size_t)len);
    if (list->sections == NULL || list->views == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < len; i++) {
        if (take_section(list, PyTuple_GET_ITEM(items, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

PyDoc_STRVAR(pack_tables_doc,
             "pack_tables(sections, /)\n--\n\n"
             "The bytes of a file with these sections, each (kind, columns, "
             "bytes): rows\nof 64-bit numbers, or mere bytes if columns is 0. "
             "Raises ValueError for\nwhat no file can hold.");

static PyObject *
pack_tables(PyObject *Py_UNUSED(module), PyObject *sections)
{
    PyObject *items = PySequence_Tuple(sections);
    if (items == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    section_list list = {0};
    xt_buf out = {0};
    if (take_sections(&list, items) == 0) {
        xt_status status =
            xt_tables_write(list.sections, (size_t)list.len, &out);
        result =
            status == XT_OK
                ? PyBytes_FromStringAndSize(out.bytes, (Py_ssize_t)out.len)
                : errors_raise(status, "counts file");
    }
    xt_buf_fini(&out);
    release(&list);
    Py_DECREF(items);
    return result;
}

static PyObject *
build_sections(const xt_section *sections, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = Py_BuildValue(
            "(IIy#)", sections[i].kind, sections[i].columns,
            (const char *)sections[i].bytes, (Py_ssize_t)sections[i].len);
        if (item == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, item);
    }
    return list;
}

PyDoc_STRVAR(unpack_tables_doc,
             "unpack_tables(data, /)\n--\n\n"
             "The sections of such a file, or None if the bytes do not begin "
             "as one.\nRaises ValueError when it is damaged, or of a version "
             "not known here.");

static PyObject *
unpack_tables(PyObject *Py_UNUSED(module), PyObject *data)
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
        xt_section *sections;
        size_t count;
        xt_tables_fault fault = {0};
        xt_status status = xt_tables_read(view.buf, (size_t)view.len,
                                          &sections, &count, &fault);
        if (status == XT_OK) {
            result = build_sections(sections, count);
            xt_free(sections);
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

PyMethodDef tablesfile_methods[] = {
    {"pack_tables", pack_tables, METH_O, pack_tables_doc},
    {"unpack_tables", unpack_tables, METH_O, unpack_tables_doc},
    {NULL, NULL, 0, NULL},
};
