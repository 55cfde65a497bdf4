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

/* --- Giving them the function ---------------------------------------------
 */

/* What is looked for among the other threads, and given to them. */
typedef struct {
    PyThreadState *mine;
    PyObject *tracer;
    Py_tracefunc func;
    PyObject *handle;
    const newcomer_list *before; /* with the GIL: those of the run before, */
    newcomer_list taken;         /* and of this one, with room for them */
    size_t untraced;             /* how many there are */
    size_t left;                 /* how many more may be given the function */
} giving;

static PyThreadState *
first_thread(const giving *self)
{
    return PyInterpreterState_ThreadHead(
        PyThreadState_GetInterpreter(self->mine));
}

static bool
is_own(const PyThreadState *thread, const PyObject *tracer)
{
    PyObject *object = thread->c_traceobj;
    return object != NULL && PyCFunction_Check(object) &&
           PyCFunction_GET_SELF(object) == tracer;
}

static void
count_untraced(void *argument)
{
    giving *self = (giving *)argument;
    for (PyThreadState *thread = first_thread(self); thread != NULL;
         thread = PyThreadState_Next(thread)) {
        if (thread != self->mine && compat_is_untraced(thread)) {
            self->untraced++;
        }
    }
}

/* Notes a thread that is to be met: false if there is no room for it. */
static bool
note(giving *self, PyThreadState *thread)
{
#ifdef Py_GIL_DISABLED
    (void)self;
    (void)thread;
    return true; /* its lane will tell */
#else
    newcomer_list *list = &self->taken;
    if (list->len == list->cap) {
        return false;
    }
    list->items[list->len++] =
        (newcomer){.thread = PyThreadState_GetID(thread)};
    return true;
#endif
}

static void
give(void *argument)
{
    giving *self = (giving *)argument;
    for (PyThreadState *thread = first_thread(self); thread != NULL;
         thread = PyThreadState_Next(thread)) {
        if (thread == self->mine) {
            continue;
        }
        if (compat_is_untraced(thread)) {
            if (self->left > 0 && note(self, thread)) {
                compat_put_trace(thread, self->func, self->handle);
                self->left--;
            }
        }
        else if (is_own(thread, self->tracer) &&
                 find(self->before, PyThreadState_GetID(thread)) != NULL) {
            (void)note(self, thread);
        }
    }
}

/* Has the interpreter take `number` more threads for traced ones, of which it
   counts those only that are given a function by its own hands: so this thread
   is, again and again. Returns how many were. */
static size_t
count_more(const giving *self, size_t number)
{
    Py_tracefunc func = self->mine->c_tracefunc;
    for (size_t done = 0; COMPAT_COUNTS_TRACED && done < number; done++) {
        self->mine->c_tracefunc = NULL;
        PyEval_SetTrace(func, self->handle);
        if (self->mine->c_tracefunc == NULL) {
            self->mine->c_tracefunc = func; /* an audit hook forbids it */
            return done;
        }
    }
    return number;
}

/* The same the other way round. There are never none in between. */
static void
count_less(const giving *self, size_t number)
{
    Py_tracefunc func = self->mine->c_tracefunc;
    for (; COMPAT_COUNTS_TRACED && number > 0; number--) {
        PyEval_SetTrace(NULL, NULL);
        if (self->mine->c_tracefunc != NULL) {
            return; /* an audit hook forbids it: events stay on in the end */
        }
        compat_put_trace(self->mine, func, self->handle);
    }
}

int
newcomers_take(newcomer_list *list, PyObject *tracer, Py_tracefunc func,
               PyObject *handle)
{
    giving self = {
        .mine = PyThreadState_Get(),
        .tracer = tracer,
        .func = func,
        .handle = handle,
        .before = list,
    };
    if (!is_own(self.mine, tracer)) {
        return 0; /* an audit hook has refused it to this thread */
    }
    compat_call_alone(count_untraced, &self);
    size_t most = self.untraced + list->len;
    if (most > 0 && COMPAT_HAS_GIL) {
        newcomer_list *taken = &self.taken;
        taken->items = xt_grow(NULL, &taken->cap, most, sizeof(newcomer));
        if (taken->items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    /* Other threads may run in between: then there are fewer, or others. */
    self.left = count_more(&self, self.untraced);
    compat_call_alone(give, &self);
    newcomers_fini(list);
    *list = self.taken;
    count_less(&self, self.left);
    return 0;
}
