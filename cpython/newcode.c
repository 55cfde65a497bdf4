// SPDX-License-Identifier: Apache-2.0
#include "newcode.h"

static PyObject *
bytes_of(const xt_buf *buf)
{
    return PyBytes_FromStringAndSize(buf->bytes, (Py_ssize_t)buf->len);
}

/* Bits of co_localspluskinds (Include/internal/pycore_code.h, 3.12 to 3.15).
 */
enum { KIND_LOCAL = 0x20, KIND_CELL = 0x40, KIND_FREE = 0x80 };

/* The names of the variables of one kind, a new tuple. PyCode_GetVarnames()
   and the like would leave theirs with the original, where it had none. */
static PyObject *
names_of(PyCodeObject *code, int kind)
{
    const char *kinds = PyBytes_AS_STRING(code->co_localspluskinds);
    Py_ssize_t len = 0;
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        len += (kinds[i] & kind) != 0;
    }
    PyObject *names = PyTuple_New(len);
    for (int i = code->co_nlocalsplus; names != NULL && i-- > 0;) {
        if ((kinds[i] & kind) != 0) {
            PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
            PyTuple_SET_ITEM(names, --len, Py_NewRef(name));
        }
    }
    return names;
}

/* What the constructor cannot be told: which variables are hidden from
   locals(), as those of an inlined comprehension are. */
static void
share_variables(PyCodeObject *code, PyCodeObject *original)
{
    if (code->co_nlocalsplus == original->co_nlocalsplus) {
        Py_SETREF(code->co_localspluskinds,
                  Py_NewRef(original->co_localspluskinds));
        Py_SETREF(code->co_localsplusnames,
                  Py_NewRef(original->co_localsplusnames));
    }
}

PyCodeObject *
newcode_make(PyCodeObject *original, const xt_rewrite *rewrite,
             PyObject *consts, int stack)
{
    PyObject *code = bytes_of(&rewrite->code);
    PyObject *locations = bytes_of(&rewrite->locations.table);
    PyObject *exceptions = bytes_of(&rewrite->exceptions);
    PyObject *variables = names_of(original, KIND_LOCAL);
    PyObject *cells = names_of(original, KIND_CELL);
    PyObject *frees = names_of(original, KIND_FREE);
    PyCodeObject *made = NULL;
    if (code != NULL && locations != NULL && exceptions != NULL &&
        variables != NULL && cells != NULL && frees != NULL) {
        made = PyUnstable_Code_NewWithPosOnlyArgs(
            original->co_argcount, original->co_posonlyargcount,
            original->co_kwonlyargcount, original->co_nlocals, stack,
            original->co_flags, code, consts, original->co_names, variables,
            frees, cells, original->co_filename, original->co_name,
            original->co_qualname, original->co_firstlineno, locations,
            exceptions);
    }
    if (made != NULL) {
        share_variables(made, original);
    }
    Py_XDECREF(code);
    Py_XDECREF(locations);
    Py_XDECREF(exceptions);
    Py_XDECREF(variables);
    Py_XDECREF(cells);
    Py_XDECREF(frees);
    return made;
}
