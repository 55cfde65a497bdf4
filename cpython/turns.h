// SPDX-License-Identifier: Apache-2.0
/* Work that one thread at a time may do, although it runs code of the program
 * in its midst (audit hooks), which may give the GIL to other threads.
 *
 * Nobody waits for ever: that code may wait for the thread that would wait
 * here. All functions are called with the GIL.
 */
#ifndef XT_TURNS_H
#define XT_TURNS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

typedef struct {
    PyThread_type_lock lock; /* owned; NULL if zero memory was not set up */
    unsigned long holder;    /* the thread whose turn it is, */
    bool held;               /* if it is anybody's */
    long process;            /* where it is: a fork leaves it behind */
} turns;

/* -1 with an exception. */
int turns_init(turns *self);

void turns_fini(turns *self);

/* Waits until it is no thread's turn, and makes it this one's. False if that
   took longer than a second, or it is in the midst of its turn already. Other
   threads run meanwhile. */
bool turns_take(turns *self);

/* The same, but does not wait. */
bool turns_try(turns *self);

void turns_give(turns *self);

#endif
