// SPDX-License-Identifier: Apache-2.0
/* Counters: the objects that probes negate or invert.
 *
 * Workload: a probe loads one, negates it and drops the result, as often as
 * an edge of the program runs. So a Counter is immortal: nothing is spent on
 * its references, and negating it gives None, which is so as well; or, where
 * the probe stands in place of a constant, that. To invert it is the same,
 * for values that are immortal. As nobody
 * knows then when the last reference is gone, its memory is never given back;
 * but it is used again, once the code object that it was made for is gone.
 */
#ifndef XT_COUNTER_H
#define XT_COUNTER_H

#include "compat.h"

#include <stdint.h>

typedef struct {
    PyObject_HEAD
    uint64_t *slot;  /* borrowed: what is added to; never NULL */
    PyObject *value; /* borrowed: what negating it gives; of a free one, the
                        next that is free, or None */
} CounterObject;

/* All counters of an interpreter, guarded by the GIL. */
typedef struct {
    PyTypeObject *type;  /* owned */
    CounterObject *free; /* borrowed from blocks that are never freed, or NULL
                          */
} counter_pool;

int counter_pool_init(counter_pool *pool, PyObject *module);

/* A counter that adds to *slot. Immortal; NULL with an exception. */
PyObject *counter_take(counter_pool *pool, uint64_t *slot);

/* Has it add to the slot of another array that is where its own was. */
void counter_move(PyObject *counter, const uint64_t *from, uint64_t *to);

/* Has it give `value`, which is borrowed for as long as it is in use. */
void counter_set_value(PyObject *counter, PyObject *value);

/* Takes back a counter whose slot and value will go away. Nothing must run it
   again, but whoever still has it may keep it. */
void counter_give(counter_pool *pool, PyObject *counter);

#endif
