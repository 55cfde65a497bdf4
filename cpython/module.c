// SPDX-License-Identifier: Apache-2.0
/* The extension module exactrace._native. Every part (a .c file) adds its own
   functions and types. The module itself has no state. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "countsfile.h"
#include "filter.h"
#include "listing.h"
#include "program.h"
#include "tracer.h"

static int
module_exec(PyObject *module)
{
    if (PyModule_AddFunctions(module, countsfile_methods) < 0 ||
        PyModule_AddFunctions(module, listing_methods) < 0 ||
        PyModule_AddFunctions(module, program_methods) < 0 ||
        filter_init(module) < 0 || tracer_init(module) < 0) {
        return -1;
    }
    return 0;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

PyDoc_STRVAR(module_doc, "The C part of exactrace. Not for direct use.");

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, .m_name = "exactrace._native", .m_doc = module_doc,
    .m_size = 0,           .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module_def);
}
