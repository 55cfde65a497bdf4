// SPDX-License-Identifier: Apache-2.0
/* Objects among all that the garbage collector knows. */
#ifndef XT_GATHER_H
#define XT_GATHER_H

#include "compat.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    PyObject **items; /* owned array of new references */
    size_t len;
    size_t cap;
    bool (*wanted)(PyObject *object, const void *arg);
    const void *arg;
} gathering;

/* Finds the objects that `wanted` says yes to, which must not change anything.
   Objects are left out when memory is. */
gathering gather(bool (*wanted)(PyObject *object, const void *arg),
                 const void *arg);

void gathering_end(gathering *found);

#endif
