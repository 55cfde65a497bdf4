// SPDX-License-Identifier: Apache-2.0
#include "monitoring.h"

#include <stdbool.h>

enum { TOOL_IDS = 6 };
static const char OUR_NAME[] = "exactrace";

PyObject *
monitoring_get(void)
{
    return Py_XNewRef(PySys_GetObject("monitoring"));
}

/* The first id that nobody uses, from the ones without a fixed meaning on. */
static int
find_free_tool(PyObject *monitoring)
{
    static const int preferred[TOOL_IDS] = {3, 4, 2, 5, 1, 0};
    for (int i = 0; i < TOOL_IDS; i++) {
        PyObject *user =
            PyObject_CallMethod(monitoring, "get_tool", "i", preferred[i]);
        if (user == NULL) {
            return -2;
        }
        Py_DECREF(user);
        if (user == Py_None) {
            return preferred[i];
        }
    }
    return -1;
}

static int
call(PyObject *monitoring, const char *name, const char *format, int tool,
     PyObject *one, PyObject *two)
{
    PyObject *done =
        PyObject_CallMethod(monitoring, name, format, tool, one, two);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

int
monitoring_take_tool(PyObject *monitoring)
{
    int tool = find_free_tool(monitoring);
    if (tool < 0) {
        return tool;
    }
    PyObject *name = PyUnicode_FromString(OUR_NAME);
    int result = name == NULL
                     ? -1
                     : call(monitoring, "use_tool_id", "iO", tool, name, NULL);
    Py_XDECREF(name);
    return result < 0 ? -2 : tool;
}

bool
monitoring_holds(PyObject *monitoring, int tool)
{
    PyObject *user = PyObject_CallMethod(monitoring, "get_tool", "i", tool);
    bool ours = user != NULL && PyUnicode_Check(user) &&
                PyUnicode_CompareWithASCIIString(user, OUR_NAME) == 0;
    Py_XDECREF(user);
    PyErr_Clear();
    return ours;
}

void
monitoring_free_tool(PyObject *monitoring, int tool,
                     const monitoring_row *rows, size_t len)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (monitoring_holds(monitoring, tool)) {
        /* Each of these may be refused (by an audit hook): go on. */
        (void)monitoring_switch(monitoring, tool, 0);
        PyErr_Clear();
        (void)monitoring_register(monitoring, tool, NULL, rows, len);
        PyErr_Clear();
        (void)call(monitoring, "free_tool_id", "i", tool, NULL, NULL);
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
}

static PyObject *
get_event(PyObject *monitoring, const char *name)
{
    PyObject *events = PyObject_GetAttrString(monitoring, "events");
    if (events == NULL) {
        return NULL;
    }
    PyObject *event = PyObject_GetAttrString(events, name);
    Py_DECREF(events);
    return event;
}

long
monitoring_events(PyObject *monitoring, const monitoring_row *rows, size_t len)
{
    long bits = 0;
    for (size_t i = 0; i < len; i++) {
        PyObject *event = get_event(monitoring, rows[i].event);
        if (event == NULL) {
            return -1;
        }
        bits |= PyLong_AsLong(event);
        Py_DECREF(event);
    }
    return bits;
}

int
monitoring_register(PyObject *monitoring, int tool, PyObject *owner,
                    const monitoring_row *rows, size_t len)
{
    int result = 0;
    for (size_t i = 0; i < len && result == 0; i++) {
        PyObject *event = get_event(monitoring, rows[i].event);
        const char *name = owner == NULL ? NULL : rows[i].callback;
        PyObject *callback = name == NULL
                                 ? Py_NewRef(Py_None)
                                 : PyObject_GetAttrString(owner, name);
        result = -1;
        if (event != NULL && callback != NULL) {
            result = call(monitoring, "register_callback", "iOO", tool, event,
                          callback);
        }
        Py_XDECREF(event);
        Py_XDECREF(callback);
    }
    return result;
}

int
monitoring_switch(PyObject *monitoring, int tool, long events)
{
    PyObject *bits = PyLong_FromLong(events);
    int result = bits == NULL
                     ? -1
                     : call(monitoring, "set_events", "iO", tool, bits, NULL);
    Py_XDECREF(bits);
    return result;
}

int
monitoring_switch_code(PyObject *monitoring, int tool, PyCodeObject *code,
                       long events)
{
    /* Often enough that to build a tuple of arguments would show. */
    PyObject *name = PyUnicode_InternFromString("set_local_events");
    PyObject *number = PyLong_FromLong(tool);
    PyObject *bits = PyLong_FromLong(events);
    PyObject *args[] = {monitoring, number, (PyObject *)code, bits};
    PyObject *done = NULL;
    if (name != NULL && number != NULL && bits != NULL) {
        done = PyObject_VectorcallMethod(name, args, 4, NULL);
    }
    Py_XDECREF(name);
    Py_XDECREF(number);
    Py_XDECREF(bits);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

int
monitoring_restart(PyObject *monitoring)
{
    PyObject *done = PyObject_CallMethod(monitoring, "restart_events", NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}
