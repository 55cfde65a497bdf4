// SPDX-License-Identifier: Apache-2.0
/* Rewritten code shows itself to the program as what it was.
 *
 * Whoever looks at code does so through a few attributes: `__code__` of
 * functions, f_code and f_lasti of frames, tb_lasti of tracebacks, gi_code,
 * cr_code and ag_code of generators. While probes are in use, the descriptors
 * of these attributes give the original code object, and offsets into it. So
 * dis, inspect, pickle and marshal, compilers of bytecode and whatever else
 * reads it see what they would see without us. The interpreter itself looks
 * at its own structures and so goes on seeing the rewritten code, with offsets
 * into that. The descriptor of f_lineno gives what it always does, but is told
 * of who sets it.
 */
#ifndef XT_DISGUISE_H
#define XT_DISGUISE_H

#include "probed.h"

enum { DISGUISES = 8 };

struct disguise_row;

/* Sets an attribute of an object. -1 with an exception. */
typedef int (*disguise_setter)(void *owner, const struct disguise_row *row,
                               PyObject *object, PyObject *value);

/* One attribute that is disguised. */
typedef struct disguise_row {
    PyObject *descriptor;    /* owned, or NULL when there is none */
    PyTypeObject *type;      /* owned: the descriptor's own type */
    PyGetSetDef *definition; /* borrowed: the descriptor's own */
    PyGetSetDef ours;
    const probed_types *types; /* borrowed */
    disguise_setter set;       /* NULL: as the descriptor itself does */
    void *owner;               /* borrowed: for `set` */
} disguise_row;

typedef struct {
    disguise_row rows[DISGUISES];
} disguise;

/* Sets what the descriptor itself would. */
int disguise_set_own(const disguise_row *row, PyObject *object,
                     PyObject *value);

/* Begins to show the original code, and to call `set_line` with `owner` where
   f_lineno is set. `types` and `owner` must outlive it. -1 with an exception,
   and then nothing has changed. */
int disguise_begin(disguise *self, const probed_types *types,
                   disguise_setter set_line, void *owner);

/* Ends it, whether or not an exception is set. Zero memory is fine. */
void disguise_end(disguise *self);

#endif
