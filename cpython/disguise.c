// SPDX-License-Identifier: Apache-2.0
#include "disguise.h"

/* --- What the attributes give ------------------------------------------- */

/* What the descriptor itself would give. */
static PyObject *
get_own(PyObject *object, const disguise_row *row)
{
    return row->definition->get(object, row->definition->closure);
}

static PyObject *
get_same(PyObject *object, void *closure)
{
    return get_own(object, closure);
}

static PyObject *
get_code(PyObject *object, void *closure)
{
    const disguise_row *row = closure;
    PyObject *code = get_own(object, row);
    if (code != NULL && PyCode_Check(code)) {
        ProbedCodeObject *probed =
            probed_get(row->types, (PyCodeObject *)code);
        if (probed != NULL) {
            Py_SETREF(code, Py_NewRef(probed->original));
        }
    }
    return code;
}

int
disguise_set_own(const disguise_row *row, PyObject *object, PyObject *value)
{
    return row->definition->set(object, value, row->definition->closure);
}

static int
set_attribute(PyObject *object, PyObject *value, void *closure)
{
    const disguise_row *row = closure;
    return row->set == NULL ? disguise_set_own(row, object, value)
                            : row->set(row->owner, row, object, value);
}

/* An offset in bytes into the code of a frame, as one into the original. */
static int
map_offset(const disguise_row *row, PyFrameObject *frame, int offset)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    ProbedCodeObject *probed = probed_get(row->types, code);
    Py_DECREF(code);
    /* An odd one is none: it was made up by whoever made the traceback. */
    if (probed == NULL || offset < 0 || offset % 2 != 0 ||
        (uint32_t)offset / 2 >= probed->map.units) {
        return offset;
    }
    return (int)(2 * probed_old_unit(probed, offset / 2));
}

static PyObject *
get_f_lasti(PyObject *object, void *closure)
{
    const disguise_row *row = closure;
    PyObject *own = get_own(object, row);
    if (own == NULL) {
        return NULL;
    }
    int offset = (int)PyLong_AsLong(own);
    Py_DECREF(own);
    return PyLong_FromLong(map_offset(row, (PyFrameObject *)object, offset));
}

static PyObject *
get_tb_lasti(PyObject *object, void *closure)
{
    const PyTracebackObject *entry = (PyTracebackObject *)object;
    return PyLong_FromLong(
        map_offset(closure, entry->tb_frame, entry->tb_lasti));
}

/* --- Putting it on and off ----------------------------------------------- */

typedef struct {
    PyTypeObject *type;
    const char *name;
    getter get;
    disguise_setter set;
} attribute;

/* Takes over the attribute's descriptor in place: it stays the same object,
   so that nothing that has looked it up needs to look again. Both kinds of
   descriptor are laid out alike: their type says what the pointer is. */
static int
put_on(disguise_row *row, const probed_types *types, const attribute *wanted,
       void *owner)
{
    PyObject *dict = PyType_GetDict(wanted->type);
    PyObject *found =
        dict == NULL ? NULL : PyDict_GetItemString(dict, wanted->name);
    Py_XDECREF(dict);
    if (found == NULL || (!Py_IS_TYPE(found, &PyGetSetDescr_Type) &&
                          !Py_IS_TYPE(found, &PyMemberDescr_Type))) {
        PyErr_Format(PyExc_RuntimeError, "%s.%s is not what it is in CPython",
                     wanted->type->tp_name, wanted->name);
        return -1;
    }
    PyGetSetDescrObject *descriptor = (PyGetSetDescrObject *)found;
    *row = (disguise_row){
        .descriptor = Py_NewRef(found),
        .type = (PyTypeObject *)Py_NewRef(Py_TYPE(found)),
        .definition = descriptor->d_getset,
        .ours = {.name = wanted->name, .get = wanted->get, .closure = row},
        .types = types,
        .set = wanted->set,
        .owner = owner,
    };
    if (row->type == &PyGetSetDescr_Type) {
        row->ours.doc = row->definition->doc;
        row->ours.set = row->definition->set == NULL ? NULL : set_attribute;
    }
    descriptor->d_getset = &row->ours;
    Py_SET_TYPE(found, &PyGetSetDescr_Type);
    return 0;
}

static void
take_off(disguise_row *row)
{
    if (row->descriptor != NULL) {
        PyGetSetDescrObject *descriptor =
            (PyGetSetDescrObject *)row->descriptor;
        descriptor->d_getset = row->definition;
        Py_SET_TYPE(row->descriptor, row->type);
    }
    Py_CLEAR(row->descriptor);
    Py_CLEAR(row->type);
}

int
disguise_begin(disguise *self, const probed_types *types,
               disguise_setter set_line, void *owner)
{
    const attribute wanted[DISGUISES] = {
        {&PyFunction_Type, "__code__", get_code, NULL},
        {&PyFrame_Type, "f_code", get_code, NULL},
        {&PyFrame_Type, "f_lasti", get_f_lasti, NULL},
        {&PyFrame_Type, "f_lineno", get_same, set_line},
        {&PyTraceBack_Type, "tb_lasti", get_tb_lasti, NULL},
        {&PyGen_Type, "gi_code", get_code, NULL},
        {&PyCoro_Type, "cr_code", get_code, NULL},
        {&PyAsyncGen_Type, "ag_code", get_code, NULL},
    };
    for (size_t i = 0; i < DISGUISES; i++) {
        if (put_on(&self->rows[i], types, &wanted[i], owner) < 0) {
            disguise_end(self);
            return -1;
        }
    }
    return 0;
}

void
disguise_end(disguise *self)
{
    for (size_t i = 0; i < DISGUISES; i++) {
        take_off(&self->rows[i]);
    }
}
