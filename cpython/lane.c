// SPDX-License-Identifier: Apache-2.0
#include "lane.h"

void
lane_fini(thread_lane *self)
{
    xt_ptrmap_fini(&self->frames);
    records_fini(&self->records);
#ifdef Py_GIL_DISABLED
    files_fini(&self->files);
    Py_CLEAR(self->judged);
#endif
}

#ifdef Py_GIL_DISABLED

#include "mem.h"

_Thread_local lane_hot lanes_hot;

/* The lanes of one thread, kept in the dict of its thread state: that dict
   goes when the thread does. */
typedef struct {
    thread_lane **items; /* owned array; a use of each */
    size_t len;
    size_t cap;
} own_lanes;

static const char KEY[] = "exactrace.lanes";

static void
lane_unuse(thread_lane *self)
{
    if (atomic_fetch_sub(&self->users, 1) == 1) {
        xt_free(self);
    }
}

/* The thread has ended. It may still run some finalizer; then it gets another
   lane. */
static void
thread_lanes_free(PyObject *capsule)
{
    own_lanes *mine = PyCapsule_GetPointer(capsule, KEY);
    for (size_t i = 0; i < mine->len; i++) {
        thread_lane *item = mine->items[i];
        if (lanes_hot.lane == item) {
            lanes_hot = (lane_hot){0};
        }
        /* All that was done in it is seen by whoever takes it next. */
        atomic_store(&item->busy, false);
        lane_unuse(item);
    }
    xt_free(mine->items);
    xt_free(mine);
}

/* Those of the current thread, made on first sight; NULL with an exception. */
static own_lanes *
find_mine(void)
{
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyObject *capsule = PyDict_GetItemString(dict, KEY);
    if (capsule != NULL) {
        return PyCapsule_GetPointer(capsule, KEY);
    }
    own_lanes *mine = xt_malloc(sizeof(*mine));
    if (mine == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *mine = (own_lanes){0};
    capsule = PyCapsule_New(mine, KEY, thread_lanes_free);
    if (capsule == NULL) {
        xt_free(mine);
        return NULL;
    }
    int stored = PyDict_SetItemString(dict, KEY, capsule);
    Py_DECREF(capsule);
    return stored < 0 ? NULL : mine;
}

/* Lets go of the lanes of tracers that are gone. */
static void
drop_orphans(own_lanes *mine)
{
    size_t kept = 0;
    for (size_t i = 0; i < mine->len; i++) {
        if (atomic_load(&mine->items[i]->users) == 1) {
            lane_unuse(mine->items[i]);
        }
        else {
            mine->items[kept++] = mine->items[i];
        }
    }
    mine->len = kept;
}

static thread_lane *
lane_new(uint64_t owner)
{
    thread_lane *self = xt_malloc(sizeof(*self));
    if (self == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memset(self, 0, sizeof(*self));
    self->judged = PyDict_New();
    if (self->judged == NULL || files_init(&self->files) < 0) {
        lane_fini(self);
        xt_free(self);
        return NULL;
    }
    self->owner = owner;
    atomic_store(&self->users, 1);
    return self;
}

/* A lane of the tracer that no thread has, or NULL. */
static thread_lane *
take_free(lane_list *lanes)
{
    thread_lane *found = NULL;
    sync_take(&lanes->lock);
    for (thread_lane *item = lanes->first; item != NULL && found == NULL;
         item = item->next) {
        bool busy = false;
        if (atomic_compare_exchange_strong(&item->busy, &busy, true)) {
            found = item;
        }
    }
    sync_give(&lanes->lock);
    return found;
}

/* A new one, at the end of the list. */
static thread_lane *
add(lane_list *lanes)
{
    thread_lane *made = lane_new(lanes->owner);
    if (made != NULL) {
        atomic_store(&made->busy, true);
        sync_take(&lanes->lock);
        thread_lane **place = &lanes->first;
        while (*place != NULL) {
            place = &(*place)->next;
        }
        *place = made;
        sync_give(&lanes->lock);
    }
    return made;
}

thread_lane *
lanes_find(lane_list *lanes)
{
    own_lanes *mine = find_mine();
    if (mine == NULL) {
        return NULL;
    }
    thread_lane *found = NULL;
    for (size_t i = 0; i < mine->len && found == NULL; i++) {
        if (mine->items[i]->owner == lanes->owner) {
            found = mine->items[i];
        }
    }
    if (found == NULL) {
        drop_orphans(mine);
        thread_lane **items = xt_grow(mine->items, &mine->cap, mine->len + 1,
                                      sizeof(thread_lane *));
        if (items == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        mine->items = items;
        found = take_free(lanes);
        if (found == NULL) {
            found = add(lanes);
        }
        if (found == NULL) {
            return NULL;
        }
        /* Whoever had it before has left nothing but counts that holds. */
        xt_ptrmap_clear(&found->frames);
        records_fini(&found->records);
        found->hot_frame = NULL;
        found->left_frame = NULL;
        found->run = 0;
        found->newcomer = false;
        atomic_fetch_add(&found->users, 1);
        items[mine->len++] = found;
    }
    lanes_hot = (lane_hot){lanes->owner, found};
    return found;
}

thread_lane *
lanes_next(lane_list *lanes, const thread_lane *last)
{
    sync_take(&lanes->lock);
    thread_lane *next = last == NULL ? lanes->first : last->next;
    sync_give(&lanes->lock);
    return next;
}

void
lanes_init(lane_list *lanes)
{
    static _Atomic(uint64_t) last;
    lanes->owner = atomic_fetch_add(&last, 1) + 1;
}

void
lanes_fini(lane_list *lanes)
{
    thread_lane *item = lanes->first;
    *lanes = (lane_list){0};
    while (item != NULL) {
        thread_lane *next = item->next;
        lane_fini(item);
        lane_unuse(item);
        item = next;
    }
}

#endif
