// SPDX-License-Identifier: Apache-2.0
/* The extension module exactrace._native. Every part (a .c file) adds its own
   functions and types. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "module.h"

#include "countsfile.h"
#include "dictwatch.h"
#include "engine.h"
#include "filter.h"
#include "kept.h"
#include "leaving.h"
#include "listing.h"
#include "merging.h"
#include "outcomes.h"
#include "program.h"
#include "sigterm.h"
#include "sync.h"
#include "tablesfile.h"
#include "tracer.h"
#include "untraced.h"

static int
module_exec(PyObject *module)
{
    sync_init();
    if (PyModule_AddFunctions(module, countsfile_methods) < 0 ||
        PyModule_AddFunctions(module, kept_methods) < 0 ||
        PyModule_AddFunctions(module, sigterm_methods) < 0 ||
        PyModule_AddFunctions(module, tablesfile_methods) < 0 ||
        PyModule_AddFunctions(module, leaving_methods) < 0 ||
        PyModule_AddFunctions(module, listing_methods) < 0 ||
        PyModule_AddFunctions(module, outcomes_methods) < 0 ||
        PyModule_AddFunctions(module, program_methods) < 0 ||
        PyModule_AddFunctions(module, untraced_methods) < 0 ||
        filter_init(module) < 0 || merging_init(module) < 0 ||
        tracer_init(module) < 0) {
        return -1;
    }
    module_state *state = PyModule_GetState(module);
    state->watcher = -1;
    state->engine = engine_new(module);
    return state->engine == NULL ? -1 : 0;
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    module_state *state = PyModule_GetState(module);
    Py_VISIT(state->engine);
    return 0;
}

static int
module_clear(PyObject *module)
{
    module_state *state = PyModule_GetState(module);
    Py_CLEAR(state->engine);
    return 0;
}

static void
module_free(void *module)
{
    module_state *state = PyModule_GetState(module);
    if (state->engine != NULL) { /* else it never was filled */
        dictwatch_end(state->watcher);
    }
    (void)module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    COMPAT_MODULE_SLOTS{0, NULL},
};

PyDoc_STRVAR(module_doc, "The C part of exactrace. Not for direct use.");

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,   .m_name = "exactrace._native",
    .m_doc = module_doc,     .m_size = sizeof(module_state),
    .m_slots = module_slots, .m_traverse = module_traverse,
    .m_clear = module_clear, .m_free = module_free,
};

module_state *
module_state_of(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &module_def);
    return module == NULL ? NULL : PyModule_GetState(module);
}

PyMODINIT_FUNC PyInit__native(void);

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&module_def);
}
