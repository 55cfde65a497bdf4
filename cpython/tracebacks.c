// SPDX-License-Identifier: Apache-2.0
#include "tracebacks.h"

enum {
    MOST = 16, /* entries, and frames, that are noted */
    MOST_EXCEPTIONS = 64,
};

/* Distinct objects, borrowed, that have a reference to a frame: some of them,
   if there are many. */
typedef struct {
    const void *items[MOST];
    size_t len;
} referrers;

static void
note(referrers *found, const void *object)
{
    for (size_t i = 0; i < found->len; i++) {
        if (found->items[i] == object) {
            return;
        }
    }
    if (found->len < MOST) {
        found->items[found->len++] = object;
    }
}

typedef struct {
    PyFrameObject *frame;
    referrers entries; /* of tracebacks */
    referrers callees; /* frame objects that have outlived their frames, which
                          the frame had called */
    size_t exceptions; /* how many were looked at */
} search;

static void
search_traceback(search *self, PyObject *traceback)
{
    while (traceback != NULL && PyTraceBack_Check(traceback)) {
        PyTracebackObject *entry = (PyTracebackObject *)traceback;
        if (entry->tb_frame == self->frame) {
            note(&self->entries, entry);
        }
        else if (frame_object_back(entry->tb_frame) == self->frame) {
            note(&self->callees, entry->tb_frame);
        }
        traceback = (PyObject *)entry->tb_next;
    }
}

/* With those that it came from. They may be a cycle. */
static void
search_exception(search *self, PyObject *object)
{
    while (object != NULL && PyExceptionInstance_Check(object) &&
           self->exceptions < MOST_EXCEPTIONS) {
        const PyBaseExceptionObject *exception =
            (PyBaseExceptionObject *)object;
        self->exceptions++;
        search_traceback(self, exception->traceback);
        object = exception->context;
    }
}

/* Whether all references are known: the frame that runs has one, too. */
static bool
is_complete(const search *self)
{
    size_t known = 1 + self->entries.len + self->callees.len;
    return Py_REFCNT(self->frame) == (Py_ssize_t)known;
}

typedef struct {
    const PyFrameObject *frame;
    void (*change)(PyTracebackObject *entry, const void *arg);
    const void *arg;
} visiting;

static int
visit(PyObject *object, void *arg)
{
    const visiting *self = arg;
    PyTracebackObject *entry = (PyTracebackObject *)object;
    if (PyTraceBack_Check(object) && entry->tb_frame == self->frame) {
        self->change(entry, self->arg);
    }
    return 1;
}

void
tracebacks_of(PyFrameObject *frame,
              void (*change)(PyTracebackObject *entry, const void *arg),
              const void *arg)
{
    search found = {.frame = frame};
    const _PyErr_StackItem *item = PyThreadState_Get()->exc_info;
    for (; item != NULL && !is_complete(&found); item = item->previous_item) {
        search_exception(&found, item->exc_value);
    }
    if (is_complete(&found)) {
        for (size_t i = 0; i < found.entries.len; i++) {
            change((PyTracebackObject *)found.entries.items[i], arg);
        }
        return;
    }
    visiting all = {frame, change, arg};
    PyUnstable_GC_VisitObjects(visit, &all);
}
