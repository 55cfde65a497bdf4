// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

enum { TOOL_IDS = 6 };

/* sys.monitoring, or NULL (without an exception where there is none). */
static PyObject *
get_monitoring(void)
{
    return Py_XNewRef(PySys_GetObject("monitoring"));
}

/* The first id that nobody uses, from the ones without a fixed meaning on;
   -1 when there is none, -2 with an exception. */
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
call_monitoring(PyObject *monitoring, const char *name, const char *format,
                int tool, PyObject *one, PyObject *two)
{
    PyObject *done =
        PyObject_CallMethod(monitoring, name, format, tool, one, two);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Registers `callback` (None: nothing) for the events that are a call, and
   adds them to *set. */
static int
register_calls(PyObject *monitoring, int tool, PyObject *callback, long *set)
{
    static const char *const names[] = {"PY_START", "PY_RESUME", "PY_THROW"};
    PyObject *events = PyObject_GetAttrString(monitoring, "events");
    int result = events == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < 3; i++) {
        PyObject *event = PyObject_GetAttrString(events, names[i]);
        if (event == NULL) {
            result = -1;
            break;
        }
        *set |= PyLong_AsLong(event);
        result = call_monitoring(monitoring, "register_callback", "iOO", tool,
                                 event, callback);
        Py_DECREF(event);
    }
    Py_XDECREF(events);
    return result;
}

static int
switch_events(PyObject *monitoring, int tool, long set)
{
    PyObject *number = PyLong_FromLong(set);
    int result = number == NULL ? -1
                                : call_monitoring(monitoring, "set_events",
                                                  "iO", tool, number, NULL);
    Py_XDECREF(number);
    return result;
}

static int
restart_events(PyObject *monitoring)
{
    PyObject *done = PyObject_CallMethod(monitoring, "restart_events", NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int
switch_on(TracerObject *self, PyObject *monitoring, int tool)
{
    if (self->disable == NULL) {
        self->disable = PyObject_GetAttrString(monitoring, "DISABLE");
        if (self->disable == NULL) {
            return -1;
        }
    }
    PyObject *name = PyUnicode_FromString("exactrace");
    if (name == NULL) {
        return -1;
    }
    int result =
        call_monitoring(monitoring, "use_tool_id", "iO", tool, name, NULL);
    Py_DECREF(name);
    if (result < 0) {
        return -1;
    }
    self->tool = tool;
    PyObject *callback = PyObject_GetAttrString((PyObject *)self, "_called");
    if (callback == NULL) {
        return -1;
    }
    long set = 0;
    result = register_calls(monitoring, tool, callback, &set);
    Py_DECREF(callback);
    if (result < 0 || switch_events(monitoring, tool, set) < 0) {
        return -1;
    }
    /* What an earlier run with the same tool id has switched off. */
    return restart_events(monitoring);
}

int
monitor_begin(TracerObject *self)
{
    if (self->tool >= 0) {
        return monitor_add_thread(self) < 0 ? -1 : 1;
    }
    PyObject *monitoring = get_monitoring();
    if (monitoring == NULL) {
        return 0;
    }
    int tool = find_free_tool(monitoring);
    int result = tool == -1 ? 0 : -1;
    if (tool >= 0 && monitor_add_thread(self) == 0 &&
        switch_on(self, monitoring, tool) == 0) {
        result = 1;
    }
    Py_DECREF(monitoring);
    if (result < 0) {
        monitor_end(self);
    }
    return result;
}

/* Whether the tool id is still ours: a program may have freed it. */
static bool
holds_tool(PyObject *monitoring, int tool)
{
    PyObject *user = PyObject_CallMethod(monitoring, "get_tool", "i", tool);
    bool ours = user != NULL && PyUnicode_Check(user) &&
                PyUnicode_CompareWithASCIIString(user, "exactrace") == 0;
    Py_XDECREF(user);
    PyErr_Clear();
    return ours;
}

void
monitor_end(TracerObject *self)
{
    int tool = self->tool;
    self->tool = -1;
    self->hot_thread = 0;
    xt_ptrmap_clear(&self->threads);
    PyObject *monitoring = tool < 0 ? NULL : get_monitoring();
    if (monitoring == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (holds_tool(monitoring, tool)) {
        /* Each of these may be refused (by an audit hook): go on. */
        long set = 0;
        (void)switch_events(monitoring, tool, 0);
        PyErr_Clear();
        (void)register_calls(monitoring, tool, Py_None, &set);
        PyErr_Clear();
        (void)call_monitoring(monitoring, "free_tool_id", "i", tool, NULL,
                              NULL);
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
    Py_DECREF(monitoring);
}

/* Thread ids are small numbers, and never used twice. */
static const void *
thread_key(uint64_t id)
{
    return (const void *)(uintptr_t)(id << 4);
}

int
monitor_add_thread(TracerObject *self)
{
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    if (xt_ptrmap_set(&self->threads, thread_key(id), self) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

void
monitor_remove_thread(TracerObject *self)
{
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    xt_ptrmap_remove(&self->threads, thread_key(id));
    self->hot_thread = 0;
}

static bool
is_traced_thread(TracerObject *self)
{
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    if (id != self->hot_thread) {
        if (xt_ptrmap_get(&self->threads, thread_key(id)) == NULL) {
            return false;
        }
        self->hot_thread = id;
    }
    return true;
}

PyObject *
monitor_call(TracerObject *self, PyObject *code, bool thrown)
{
    if (self->tool < 0 || !is_traced_thread(self)) {
        Py_RETURN_NONE;
    }
    bool with_caller = (self->mode & TRACER_CALLERS) != 0;
    int noted =
        with_caller
            ? functions_note_caller(&self->functions, PyEval_GetFrame())
            : functions_note(&self->functions, (PyCodeObject *)code);
    bool failed = noted < 0;
    if (failed && session_keep_trouble(self) < 0) {
        return NULL;
    }
    bool again = with_caller || thrown || failed;
    return Py_NewRef(again ? Py_None : self->disable);
}
