// SPDX-License-Identifier: Apache-2.0
/* The extension module exactrace._native: its state and its table of parts.
   Every part (a .c file) adds its own functions and types. */
#include "module.h"

#include "countsfile.h"
#include "listing.h"

static int
module_exec(PyObject *module)
{
    if (PyModule_AddFunctions(module, countsfile_methods) < 0 ||
        PyModule_AddFunctions(module, listing_methods) < 0) {
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
    PyModuleDef_HEAD_INIT,
    .m_name = "exactrace._native",
    .m_doc = module_doc,
    .m_size = sizeof(module_state),
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module_def);
}
