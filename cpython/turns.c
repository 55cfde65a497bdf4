// SPDX-License-Identifier: Apache-2.0
#include "turns.h"

#ifndef _WIN32
#include <unistd.h>
#endif

enum { LONGEST_WAIT = 1000000 }; /* microseconds */

int
turns_init(turns *self)
{
    self->held = false;
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

void
turns_fini(turns *self)
{
    if (self->lock != NULL) {
        PyThread_free_lock(self->lock);
        self->lock = NULL;
    }
}

/* In a forked child, the thread that had the turn, or was about to take it, is
   no more: what it was in the midst of is for the next one to end. */
static void
renew_after_fork(turns *self)
{
#ifndef _WIN32
    long process = (long)getpid();
    if (self->process == process) {
        return;
    }
    bool is_own = self->held && self->holder == PyThread_get_thread_ident();
    PyThread_type_lock lock =
        is_own || self->process == 0 ? NULL : PyThread_allocate_lock();
    if (lock != NULL) {
        self->lock = lock; /* the other may be locked, and cannot be freed */
        self->held = false;
    }
    self->process = process;
#endif
}

static bool
take(turns *self, PY_TIMEOUT_T microseconds)
{
    PyLockStatus status;
    if (microseconds == 0) {
        status = PyThread_acquire_lock_timed(self->lock, 0, 0);
    }
    else {
        Py_BEGIN_ALLOW_THREADS;
        status = PyThread_acquire_lock_timed(self->lock, microseconds, 0);
        Py_END_ALLOW_THREADS;
    }
    if (status != PY_LOCK_ACQUIRED) {
        return false;
    }
    self->held = true;
    self->holder = PyThread_get_thread_ident();
    return true;
}

bool
turns_try(turns *self)
{
    renew_after_fork(self);
    return take(self, 0);
}

bool
turns_take(turns *self)
{
    if (turns_try(self)) {
        return true;
    }
    bool is_own = self->held && self->holder == PyThread_get_thread_ident();
    return !is_own && take(self, LONGEST_WAIT);
}

void
turns_give(turns *self)
{
    self->held = false;
    PyThread_release_lock(self->lock);
}
