// SPDX-License-Identifier: Apache-2.0
#include "codewatch.h"

#include "sweep.h"

/* CPython gives a callback nothing by which it could find state of its own: it
   is in the interpreter's dict, as an address. So is the key, which takes no
   time to make: code objects end all the time. For the same reason that of the
   main interpreter, whose GIL guards it, stands here. */
static const char KEY[] = "exactrace._native.Engine";
static EngineObject *main_engine; /* borrowed, or NULL */

static PyObject *
new_key(void)
{
    return PyLong_FromVoidPtr((void *)KEY);
}

static bool
is_main(void)
{
    return PyInterpreterState_Get() == PyInterpreterState_Main();
}

/* The engine of another interpreter, or NULL. */
static EngineObject *
find_engine(void)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = new_key();
    PyObject *address =
        dict == NULL || key == NULL ? NULL : PyDict_GetItem(dict, key);
    EngineObject *engine = address == NULL ? NULL : PyLong_AsVoidPtr(address);
    Py_XDECREF(key);
    PyErr_Clear();
    return engine;
}

/* The code object is whole still (code_dealloc() in Objects/codeobject.c,
   CPython 3.12 to 3.15). */
static int
on_event(PyCodeEvent event, PyCodeObject *code)
{
    if (event != PY_CODE_EVENT_DESTROY) {
        return 0;
    }
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    bool raised = PyErr_Occurred() != NULL;
    if (raised) {
        PyErr_Fetch(&type, &value, &traceback);
    }
    EngineObject *engine = is_main() ? main_engine : find_engine();
    if (engine != NULL) {
        sweep_code_freed(engine, code);
    }
    if (raised) {
        PyErr_Restore(type, value, traceback);
    }
    return 0;
}

int
codewatch_begin(EngineObject *engine)
{
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = new_key();
    PyObject *address = PyLong_FromVoidPtr(engine);
    int watcher = -1;
    if (dict != NULL && key != NULL && address != NULL &&
        PyDict_SetItem(dict, key, address) == 0) {
        watcher = PyCode_AddWatcher(on_event);
    }
    if (watcher >= 0 && is_main()) {
        main_engine = engine;
    }
    Py_XDECREF(address);
    Py_XDECREF(key);
    PyErr_Clear();
    return watcher;
}

void
codewatch_end(int watcher)
{
    if (watcher < 0) {
        return;
    }
    if (is_main()) {
        main_engine = NULL;
    }
    PyObject *dict = PyInterpreterState_GetDict(PyInterpreterState_Get());
    PyObject *key = new_key();
    if (PyCode_ClearWatcher(watcher) < 0 || key == NULL ||
        (dict != NULL && PyDict_DelItem(dict, key) < 0)) {
        PyErr_Clear();
    }
    Py_XDECREF(key);
}
