// SPDX-License-Identifier: Apache-2.0
#include "errors.h"

PyObject *
errors_raise(xt_status status, const char *what)
{
    switch (status) {
    case XT_NOMEM:
        return PyErr_NoMemory();
    case XT_IO:
        return PyErr_SetFromErrno(PyExc_OSError);
    case XT_OK:
    case XT_CORRUPT:
    case XT_UNSUPPORTED:
        break;
    }
    return PyErr_Format(PyExc_ValueError, "%s: %s", what,
                        xt_status_name(status));
}
