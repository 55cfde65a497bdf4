// SPDX-License-Identifier: Apache-2.0
#include "hook.h"

void
hook_function(PyObject *module, hooked_function *hooked,
              const hook_choice *choices, size_t len)
{
    PyObject *object = PyObject_GetAttrString(module, hooked->name);
    if (object == NULL) {
        PyErr_Clear();
        return;
    }
    if (hooked->original == NULL && PyCFunction_CheckExact(object)) {
        PyCFunctionObject *function = (PyCFunctionObject *)object;
        for (size_t i = 0; i < len; i++) {
            if (function->m_ml->ml_flags == choices[i].flags) {
                hooked->original = function->m_ml;
                hooked->ours = *function->m_ml;
                hooked->ours.ml_meth = (PyCFunction)choices[i].function;
                function->m_ml = &hooked->ours;
                break;
            }
        }
    }
    Py_DECREF(object);
}
