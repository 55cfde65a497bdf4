// SPDX-License-Identifier: Apache-2.0
/* What is noted of the calls of one code object, and what follows from that
 * (see fewcalls.h).
 */
#ifndef XT_FEWCALL_H
#define XT_FEWCALL_H

#include "files.h"

/* Where a frame does not go on as the code says. */
typedef struct {
    uint32_t stands;  /* code unit */
    uint32_t handler; /* that where it goes on instead, or XT_NONE */
    int32_t rest;     /* how often what comes next is run besides: -1 for one
                         that is left there, 1 for one that was found there when
                         counts were read, 0 if no more is known of it */
} few_break;

/* One code object. */
typedef struct few_calls {
    struct few_calls *previous; /* of those with something to count, or NULL */
    struct few_calls *next;
    PyCodeObject *code; /* borrowed */
    PyObject *file;     /* owned str: __file__ of the module where it runs */
    PyObject *name;     /* owned str: co_filename */
    uint32_t start;     /* the code unit behind RESUME */
    uint32_t calls;     /* not counted yet */
    uint32_t more;      /* so many more can be noted, */
    uint64_t renewed;   /* as long as the table's number is this one */
    uint64_t round;     /* the table's, when it was last counted */
    few_break *breaks;  /* owned */
    size_t breaks_len;
    size_t breaks_cap;
    size_t lives; /* the last of them: frames that run, as was just found */
    /* Owned, per segment: not counted yet; negative where too much was, while
       a frame was found being left. */
    int64_t *hits;
    bool listed;
    bool retired; /* what its frames do is counted otherwise, or not */
    uint32_t resume;
    uint32_t len;         /* 0: the code is straight */
    xt_segment *segments; /* in the memory of the hits */
} few_calls;

/* One without calls; `segments` is what the code was read into, empty if it is
   straight, and `start` the code unit behind RESUME. `file` is taken over,
   also on failure; NULL with an exception. */
few_calls *fewcall_new(PyCodeObject *code, PyObject *file, uint32_t start,
                       const xt_segments *segments);

void fewcall_free(few_calls *few);

/* Forgets all calls and the segments. */
void fewcall_clear(few_calls *few);

/* False if out of memory. */
bool fewcall_add_break(few_calls *few, few_break what);

/* The steps of counting: adds up what there is; makes room for it in a table;
   adds it there, which can fail no more but as files_add() can (-1 with an
   exception); and at last, nothing of it is left. */
void fewcall_sum(few_calls *few);
int fewcall_reserve(const few_calls *few, file_table *table);
int fewcall_add(const few_calls *few, file_table *table, traced_file *file);
void fewcall_counted(few_calls *few);

#endif
