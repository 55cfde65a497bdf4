// SPDX-License-Identifier: Apache-2.0
#include "newcomers.h"

#include "compat.h"
#include "mem.h"

void
newcomers_fini(newcomer_list *list)
{
    xt_free(list->items);
    *list = (newcomer_list){0};
}

static newcomer *
find(const newcomer_list *list, uint64_t thread)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].thread == thread) {
            return &list->items[i];
        }
    }
    return NULL;
}

newcomer_meeting
newcomers_look(newcomer_list *list, bool runs)
{
    uint64_t thread = PyThreadState_GetID(PyThreadState_Get());
    if (runs && thread == list->settled) {
        return NEWCOMER_NOT;
    }
    newcomer *found = find(list, thread);
    if (!runs) {
        if (found == NULL) {
            return NEWCOMER_NOT;
        }
        *found = list->items[--list->len];
        PyEval_SetTrace(NULL, NULL);
        return NEWCOMER_OVER;
    }
    list->settled = thread;
    if (found == NULL || found->met) {
        return NEWCOMER_NOT;
    }
    found->met = true;
    return NEWCOMER_MET;
}

#ifdef Py_GIL_DISABLED
int
newcomers_take(newcomer_list *Py_UNUSED(list), PyObject *Py_UNUSED(tracer),
               Py_tracefunc Py_UNUSED(func), PyObject *Py_UNUSED(handle))
{
    return 0;
}
#else
static bool
is_own(const PyThreadState *thread, const PyObject *tracer)
{
    PyObject *object = thread->c_traceobj;
    return object != NULL && PyCFunction_Check(object) &&
           PyCFunction_GET_SELF(object) == tracer;
}

/* Appends a thread to be met. -1 with an exception. */
static int
add(newcomer_list *list, uint64_t thread)
{
    newcomer *items =
        xt_grow(list->items, &list->cap, list->len + 1, sizeof(*items));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    list->items = items;
    items[list->len++] = (newcomer){.thread = thread};
    return 0;
}

int
newcomers_take(newcomer_list *list, PyObject *tracer, Py_tracefunc func,
               PyObject *handle)
{
    PyThreadState *mine = PyThreadState_Get();
    PyThreadState *first =
        PyInterpreterState_ThreadHead(PyThreadState_GetInterpreter(mine));
    newcomer_list taken = {0};
    bool needed = false;
    for (PyThreadState *thread = first; thread != NULL;
         thread = PyThreadState_Next(thread)) {
        uint64_t number = PyThreadState_GetID(thread);
        bool untraced = thread->c_tracefunc == NULL;
        if (thread == mine) {
            continue;
        }
        if (!untraced && !is_own(thread, tracer)) {
            newcomers_fini(&taken);
            return 0;
        }
        needed = needed || untraced;
        if ((untraced || find(list, number) != NULL) &&
            add(&taken, number) < 0) {
            newcomers_fini(&taken);
            return -1;
        }
    }
    newcomers_fini(list);
    *list = taken;
    if (needed) {
        compat_trace_all_threads(func, handle);
    }
    return 0;
}
#endif
