// SPDX-License-Identifier: Apache-2.0
#include "monitor.h"

#include "monitoring.h"

static const monitoring_row CALLS[] = {
    {"PY_START", "_called"},
    {"PY_RESUME", "_called"},
    {"PY_THROW", "_called"},
};
enum { CALLS_LEN = sizeof(CALLS) / sizeof(*CALLS) };

static int
switch_on(TracerObject *self, PyObject *monitoring)
{
    if (self->disable == NULL) {
        self->disable = PyObject_GetAttrString(monitoring, "DISABLE");
        if (self->disable == NULL) {
            return -1;
        }
    }
    long events = monitoring_events(monitoring, CALLS, CALLS_LEN);
    if (events < 0 ||
        monitoring_register(monitoring, self->tool, (PyObject *)self, CALLS,
                            CALLS_LEN) < 0 ||
        monitoring_switch(monitoring, self->tool, events) < 0) {
        return -1;
    }
    /* What an earlier run with the same tool id has switched off. */
    return monitoring_restart(monitoring);
}

int
monitor_begin(TracerObject *self)
{
    if (self->tool >= 0) {
        return monitor_add_thread(self) < 0 ? -1 : 1;
    }
    PyObject *monitoring = monitoring_get();
    if (monitoring == NULL) {
        return 0;
    }
    int tool = monitoring_take_tool(monitoring);
    int result = tool == -1 ? 0 : -1;
    if (tool >= 0) {
        self->tool = tool;
        if (monitor_add_thread(self) == 0 &&
            switch_on(self, monitoring) == 0) {
            result = 1;
        }
    }
    Py_DECREF(monitoring);
    if (result < 0) {
        monitor_end(self);
    }
    return result;
}

void
monitor_end(TracerObject *self)
{
    int tool = self->tool;
    self->tool = -1;
    sync_take(&self->threads_lock);
    self->hot_thread = 0;
    xt_ptrmap_clear(&self->threads);
    sync_give(&self->threads_lock);
    PyObject *monitoring = tool < 0 ? NULL : monitoring_get();
    if (monitoring != NULL) {
        monitoring_free_tool(monitoring, tool, CALLS, CALLS_LEN);
        Py_DECREF(monitoring);
    }
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
    sync_take(&self->threads_lock);
    xt_status status = xt_ptrmap_set(&self->threads, thread_key(id), self);
    sync_give(&self->threads_lock);
    if (status != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

void
monitor_remove_thread(TracerObject *self)
{
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    sync_take(&self->threads_lock);
    xt_ptrmap_remove(&self->threads, thread_key(id));
    self->hot_thread = 0;
    sync_give(&self->threads_lock);
}

static bool
is_traced_thread(TracerObject *self)
{
    uint64_t id = PyThreadState_GetID(PyThreadState_Get());
    sync_take(&self->threads_lock);
    if (id != self->hot_thread &&
        xt_ptrmap_get(&self->threads, thread_key(id)) != NULL) {
        self->hot_thread = id;
    }
    bool traced = id == self->hot_thread;
    sync_give(&self->threads_lock);
    return traced;
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
