// SPDX-License-Identifier: Apache-2.0
#include "turns.h"

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

/* Notes whose turn it is; the lock is held. */
static bool
begin_turn(turns *self)
{
    self->held = true;
    self->holder = PyThread_get_thread_ident();
    return true;
}

bool
turns_try(turns *self)
{
    return PyThread_acquire_lock(self->lock, NOWAIT_LOCK) && begin_turn(self);
}

bool
turns_take(turns *self)
{
    if (turns_try(self)) {
        return true;
    }
    if (self->held && self->holder == PyThread_get_thread_ident()) {
        return false;
    }
    PyLockStatus status;
    Py_BEGIN_ALLOW_THREADS status =
        PyThread_acquire_lock_timed(self->lock, LONGEST_WAIT, 0);
    Py_END_ALLOW_THREADS return status == PY_LOCK_ACQUIRED && begin_turn(self);
}

void
turns_give(turns *self)
{
    self->held = false;
    PyThread_release_lock(self->lock);
}
