// SPDX-License-Identifier: Apache-2.0
/* Which functions were called, by which, and how often.
 *
 * The results are dicts of Python: the standard module's two, which say only
 * that there was a call, and two of our own, which count. In front of them is
 * a cache of pairs of code objects: most calls are a look at it, and an
 * addition. What it has counted is brought into the dicts when a pair must
 * leave it, and when somebody looks.
 */
#ifndef XT_FUNCTIONS_H
#define XT_FUNCTIONS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "sync.h"

enum {
    FUNCTIONS_WAYS = 4, /* places where a pair may be */
    FUNCTIONS_RECENT = 2048,
};

/* A pair that was noted. */
typedef struct {
    PyCodeObject *caller; /* owned; NULL: us, or nobody */
    PyCodeObject *callee; /* owned; NULL: the place is free */
    uint64_t calls;       /* that are not in the dicts yet */
    bool hides_caller;    /* it is not wanted: the call is nobody's */
    uint64_t *kept;       /* counted there too: in a journal; or NULL */
} recent_call;

/* Counts calls of a pair in the cache; under the lock. */
static inline void
functions_count(recent_call *call, uint64_t calls)
{
    call->calls += calls;
    if (call->kept != NULL) {
        *call->kept += calls;
    }
}

typedef struct {
    PyObject *modname;     /* owned: compat._modname */
    PyObject *root;        /* owned: the key of the caller that is us */
    PyFrameObject *outer;  /* owned: the frame that started the run, or NULL */
    PyObject *calledfuncs; /* owned: dict {function: 1}, or NULL: not asked */
    PyObject *callers;     /* owned: dict {(caller, callee): 1}, or NULL */
    PyObject *calls;       /* owned: dict {function: calls}, or NULL */
    PyObject *call_graph;  /* owned: dict {(caller, callee): calls}, or NULL */
    sync_lock lock;        /* guards what is above and `recent` */
    sync_section adding;   /* held while counts are added in the dicts */
    recent_call recent[FUNCTIONS_RECENT];
    struct xt_journal
        *journal;   /* borrowed: where calls are counted, or NULL */
    PyObject *kept; /* owned: dict {(caller, called): address of
                       the counter there}, or NULL */
} function_table;

/* Drops everything that the table owns, with what is not in the dicts yet; it
   is then empty and reusable. */
void functions_clear(function_table *table);

/* Puts `value` (owned, or NULL) into a field of the table; drops what that
   had. */
void functions_set(function_table *table, PyObject **field, PyObject *value);

/* Puts `outer` (owned, or NULL) there; returns what was there, owned. */
PyFrameObject *functions_swap_outer(function_table *table,
                                    PyFrameObject *outer);

/* Whether that is the frame (not NULL) that has started the run. */
static inline bool
functions_is_outer(function_table *table, const PyFrameObject *frame)
{
    sync_take(&table->lock);
    bool is = frame == table->outer;
    sync_give(&table->lock);
    return is;
}

int functions_traverse(function_table *table, visitproc visit, void *arg);

/* (filename, module name, function name), a new reference: a method is named
   with its class, from co_qualname. `modname` is the callable that makes a
   module name from a file name. */
PyObject *functions_name(PyObject *modname, PyCodeObject *code);

/* The key of a function in the dicts that count: (file name, first line,
   qualified name), a new reference. */
PyObject *functions_entered(PyCodeObject *code);

/* dict[key] += count, for a dict with counts. Takes the reference to the key,
   which may be NULL after a failure. -1 with an exception. */
int functions_add(PyObject *dict, PyObject *key, int64_t count);

/* The pair, if it was noted not long ago, else NULL; under the lock. A
   `caller` of NULL stands for us. */
recent_call *functions_find(function_table *table, PyCodeObject *caller,
                            PyCodeObject *callee);

/* Counts calls of a pair if it was noted not long ago; else false. */
static inline bool
functions_hit(function_table *table, PyCodeObject *caller,
              PyCodeObject *callee, uint64_t calls)
{
    sync_take(&table->lock);
    recent_call *known = functions_find(table, caller, callee);
    if (known != NULL) {
        functions_count(known, calls);
    }
    sync_give(&table->lock);
    return known != NULL;
}

/* Notes that `caller` (or NULL, us) has called `callee`, with `calls` to
   count, and remembers it. -1 with an exception. */
int functions_note(function_table *table, recent_call call);

/* Has calls be counted in a journal as well from now on; NULL: no more. */
void functions_keep(function_table *table, struct xt_journal *journal);

/* Brings what was counted into the dicts. -1 with an exception. */
int functions_flush(function_table *table);

#endif
