// SPDX-License-Identifier: Apache-2.0
#include "gather.h"

#include "mem.h"

/* Nothing may be made or freed while the collector walks over its lists. */
static int
visit(PyObject *object, void *arg)
{
    gathering *found = arg;
    if (!found->wanted(object, found->arg)) {
        return 1;
    }
    PyObject **items =
        xt_grow(found->items, &found->cap, found->len + 1, sizeof(PyObject *));
    if (items != NULL) {
        found->items = items;
        items[found->len++] = Py_NewRef(object);
    }
    return 1;
}

gathering
gather(bool (*wanted)(PyObject *object, const void *arg), const void *arg)
{
    gathering found = {.wanted = wanted, .arg = arg};
    PyUnstable_GC_VisitObjects(visit, &found);
    return found;
}

void
gathering_end(gathering *found)
{
    for (size_t i = 0; i < found->len; i++) {
        Py_DECREF(found->items[i]);
    }
    xt_free(found->items);
}
