// SPDX-License-Identifier: Apache-2.0
#include "filter.h"

#include <osdefs.h> // SEP

#include "errors.h"
#include "rules.h"

typedef struct {
    PyObject_HEAD
    xt_rules rules;
} RulesObject;

/* The bytes of a str, lone surrogates (from undecodable file names) included,
   as a new bytes object. */
static PyObject *
text_bytes(PyObject *text)
{
    if (!PyUnicode_Check(text)) {
        return PyErr_Format(PyExc_TypeError, "expected a str, not %R", text);
    }
    return PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
}

static xt_span
span_of(PyObject *bytes)
{
    return (xt_span){PyBytes_AS_STRING(bytes),
                     (size_t)PyBytes_GET_SIZE(bytes)};
}

static int
add_all(xt_rules *rules, PyObject *names,
        xt_status (*add)(xt_rules *rules, xt_span text))
{
    PyObject *items = PySequence_Fast(names, "rules must be an iterable");
    if (items == NULL) {
        return -1;
    }
    xt_status status = XT_OK;
    bool failed = false;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *bytes = text_bytes(PySequence_Fast_GET_ITEM(items, i));
        if (bytes == NULL) {
            failed = true;
            break;
        }
        status = add(rules, span_of(bytes));
        Py_DECREF(bytes);
        if (status != XT_OK) {
            errors_raise(status, "rules");
            failed = true;
            break;
        }
    }
    Py_DECREF(items);
    return failed ? -1 : 0;
}

static PyObject *
rules_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"modules", "folders", NULL};
    PyObject *modules;
    PyObject *folders;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:Rules", names, &modules,
                                     &folders)) {
        return NULL;
    }
    RulesObject *self = (RulesObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    if (add_all(&self->rules, modules, xt_rules_ignore_module) < 0 ||
        add_all(&self->rules, folders, xt_rules_ignore_folder) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void
rules_dealloc(RulesObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    xt_rules_fini(&self->rules);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(covers_module_doc,
             "covers_module($self, name, /)\n--\n\n"
             "Whether the module, or a package that holds it, is ignored.");

static PyObject *
rules_covers_module(RulesObject *self, PyObject *name)
{
    PyObject *bytes = text_bytes(name);
    if (bytes == NULL) {
        return NULL;
    }
    bool covered = xt_rules_covers_module(&self->rules, span_of(bytes));
    Py_DECREF(bytes);
    return PyBool_FromLong(covered);
}

PyDoc_STRVAR(covers_file_doc,
             "covers_file($self, path, /)\n--\n\n"
             "Whether the file lies below an ignored folder, as both are "
             "spelled.");

static PyObject *
rules_covers_file(RulesObject *self, PyObject *path)
{
    PyObject *bytes = text_bytes(path);
    if (bytes == NULL) {
        return NULL;
    }
    bool covered =
        xt_rules_covers_file(&self->rules, span_of(bytes), (char)SEP);
    Py_DECREF(bytes);
    return PyBool_FromLong(covered);
}

static PyMethodDef rules_methods[] = {
    {"covers_module", (PyCFunction)rules_covers_module, METH_O,
     covers_module_doc},
    {"covers_file", (PyCFunction)rules_covers_file, METH_O, covers_file_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(rules_doc, "Rules(modules, folders)\n--\n\n"
                        "Modules and folders to ignore; both iterables of "
                        "str.");

static PyType_Slot rules_slots[] = {
    {Py_tp_doc, (void *)rules_doc},
    {Py_tp_new, rules_new},
    {Py_tp_dealloc, rules_dealloc},
    {Py_tp_methods, rules_methods},
    {0, NULL},
};

static PyType_Spec rules_spec = {
    .name = "exactrace._native.Rules",
    .basicsize = sizeof(RulesObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = rules_slots,
};

int
filter_init(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &rules_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}
