// SPDX-License-Identifier: Apache-2.0
/* Threads that run at the same time: on builds of CPython without the GIL
 * (PEP 703). With the GIL there is nothing to do, and all of this is nothing.
 *
 * What several threads may need is either kept per thread (lane.h) or behind
 * one of these locks. A thread that waits for one lets others stop the world.
 */
#ifndef XT_SYNC_H
#define XT_SYNC_H

#include "compat.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero memory is a free lock of either kind.
 *
 * sync_lock: whoever holds it calls nothing that may run the program's code or
 * take another lock. So all of them are one: then a fork can wait until nobody
 * holds any, and the child finds whole what they guard. */
#ifdef Py_GIL_DISABLED

#include <stdatomic.h>
#include <unistd.h>

/* A flag or a number that one thread may set while another reads it. */
#define SYNC_SHARED(type) _Atomic(type)

typedef struct {
    char none;
} sync_lock;

extern PyMutex sync_mutex; /* of all sync_locks */

/* Has forks take it; to be called before any other handler of forks is set. */
void sync_init(void);

static inline void
sync_take(sync_lock *lock)
{
    (void)lock;
    PyMutex_Lock(&sync_mutex);
}

static inline void
sync_give(sync_lock *lock)
{
    (void)lock;
    PyMutex_Unlock(&sync_mutex);
}

/* May be held while the program's code runs, and be taken again by the thread
   that holds it: so far it goes as far as the GIL. */
typedef struct {
    PyMutex mutex;
    _Atomic(PyThreadState *) holder; /* NULL: nobody */
    SYNC_SHARED(pid_t) process;      /* that of the last holder */
    unsigned depth;
} sync_section;

static inline void
sync_enter(sync_section *section)
{
    PyThreadState *thread = PyThreadState_Get();
    PyThreadState *holder =
        atomic_load_explicit(&section->holder, memory_order_relaxed);
    pid_t process = getpid();
    if (holder != NULL &&
        atomic_load_explicit(&section->process, memory_order_relaxed) !=
            process) {
        /* A fork has left the holder behind; this is the only thread. */
        section->mutex = (PyMutex){0};
        section->depth = 0;
        holder = NULL;
    }
    if (holder != thread) {
        PyMutex_Lock(&section->mutex);
        atomic_store_explicit(&section->process, process,
                              memory_order_relaxed);
        atomic_store_explicit(&section->holder, thread, memory_order_relaxed);
    }
    section->depth++;
}

static inline void
sync_leave(sync_section *section)
{
    if (--section->depth == 0) {
        atomic_store_explicit(&section->holder, NULL, memory_order_relaxed);
        PyMutex_Unlock(&section->mutex);
    }
}

#else

typedef struct {
    char none;
} sync_lock;

static inline void
sync_init(void)
{
}

static inline void
sync_take(sync_lock *lock)
{
    (void)lock;
}

static inline void
sync_give(sync_lock *lock)
{
    (void)lock;
}

typedef sync_lock sync_section;

static inline void
sync_enter(sync_section *section)
{
    (void)section;
}

static inline void
sync_leave(sync_section *section)
{
    (void)section;
}

#define SYNC_SHARED(type) type

#endif

/* What a dict has, as a reference of our own: another thread may take it out
   meanwhile. 1: *value set, 0: it is not there (and *value NULL), -1 with an
   exception. */
static inline int
sync_dict_get(PyObject *dict, PyObject *key, PyObject **value)
{
#ifdef Py_GIL_DISABLED
    return PyDict_GetItemRef(dict, key, value);
#else
    *value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    return *value != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
#endif
}

#endif
