// SPDX-License-Identifier: Apache-2.0
#include "codewatch.h"

#include "sweep.h"

/* CPython gives a callback nothing by which it could find state of its own: it
   is in the interpreter's dict, as an address. */
static const char KEY[] = "exactrace._native.Engine";

/* The code object is whole still (code_dealloc() in Objects/codeobject.c,
   CPython 3.12 to 3.15). */
static int
on_event(PyCodeEvent event, PyCodeObject *code)
{
    if (event != PY_CODE_EVENT_DESTROY) {
        return 0;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *address = dict == NULL ? NULL : PyDict_GetItemString(dict, KEY);
    EngineObject *engine = address == NULL ? NULL : PyLong_AsVoidPtr(address);
    PyErr_Clear();
    if (engine != NULL) {
        sweep_code_freed(engine, code);
    }
    PyErr_Restore(type, value, traceback);
    return 0;
}

int
codewatch_begin(EngineObject *engine)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *address = PyLong_FromVoidPtr(engine);
    int watcher = -1;
    if (dict != NULL && address != NULL &&
        PyDict_SetItemString(dict, KEY, address) == 0) {
        watcher = PyCode_AddWatcher(on_event);
    }
    Py_XDECREF(address);
    PyErr_Clear();
    return watcher;
}

void
codewatch_end(int watcher)
{
    if (watcher < 0) {
        return;
    }
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    if (PyCode_ClearWatcher(watcher) < 0 ||
        (dict != NULL && PyDict_DelItemString(dict, KEY) < 0)) {
        PyErr_Clear();
    }
}
