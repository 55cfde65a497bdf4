// SPDX-License-Identifier: Apache-2.0
#include "counter.h"

#include "mem.h"

enum { BLOCK = 256 };

static PyObject *
counter_negative(CounterObject *self)
{
    ++*self->slot;
    return Py_NewRef(self->value);
}

static PyObject *
counter_invert(CounterObject *self)
{
    ++*self->slot;
    return self->value;
}

static PyType_Slot counter_slots[] = {
    {Py_tp_doc, "A probe's counter: negating it adds one to its slot."},
    {Py_nb_negative, counter_negative},
    {Py_nb_invert, counter_invert},
    {0, NULL},
};

static PyType_Spec counter_spec = {
    .name = "exactrace._native.Counter",
    .basicsize = sizeof(CounterObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = counter_slots,
};

int
counter_pool_init(counter_pool *pool, PyObject *module)
{
    pool->type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &counter_spec, NULL);
    return pool->type == NULL ? -1 : 0;
}

/* Puts a counter in front of the free ones. */
static void
put_free(counter_pool *pool, CounterObject *counter)
{
    counter->value = pool->free == NULL ? Py_None : (PyObject *)pool->free;
    pool->free = counter;
}

static int
add_block(counter_pool *pool)
{
    CounterObject *block = xt_malloc(BLOCK * sizeof(*block));
    if (block == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = BLOCK; i-- > 0;) {
        (void)PyObject_Init((PyObject *)&block[i], pool->type);
        compat_make_immortal((PyObject *)&block[i]);
        put_free(pool, &block[i]);
    }
    return 0;
}

PyObject *
counter_take(counter_pool *pool, uint64_t *slot)
{
    if (pool->free == NULL && add_block(pool) < 0) {
        return NULL;
    }
    CounterObject *counter = pool->free;
    pool->free =
        counter->value == Py_None ? NULL : (CounterObject *)counter->value;
    counter->slot = slot;
    counter->value = Py_None;
    return (PyObject *)counter;
}

void
counter_move(PyObject *counter, const uint64_t *from, uint64_t *to)
{
    CounterObject *self = (CounterObject *)counter;
    self->slot = to + (self->slot - from);
}

void
counter_set_value(PyObject *counter, PyObject *value)
{
    ((CounterObject *)counter)->value = value;
}

void
counter_give(counter_pool *pool, PyObject *object)
{
    put_free(pool, (CounterObject *)object);
}
