// SPDX-License-Identifier: Apache-2.0
/* What printing knows of the frames that run. */
#ifndef XT_RECORDS_H
#define XT_RECORDS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "files.h"
#include "ptrmap.h"
#include "variables.h"

/* What is known of a frame that runs. Whoever runs code of others holds on to
   it: the frame, or the run, may end meanwhile in another thread. */
typedef struct frame_record {
    int references;
    traced_file *file; /* borrowed; NULL: the frame is not traced */
    int depth;         /* traced frames on the stack, with this one */
    bool shown;        /* it is printed, if only some lines of it */
    PyObject *header;  /* owned: what is printed before its first line, or
                          NULL when it was */
    PyObject *label;   /* owned: "module.function", where ends are printed */
    PyObject *raised;  /* owned: name of the last exception in it, or NULL */
    bool raising;      /* there was an exception, and no line since */
    variable_table variables;
    bool looked; /* at its variables, once at least */
} frame_record;

/* Zero is valid and empty. */
typedef struct {
    xt_ptrmap map; /* frame -> owned frame_record */

    /* The frame of the last event, and that of a return that was the last
       event: as hot_frame and left_frame in lane.h. */
    PyFrameObject *hot_frame;
    frame_record *hot; /* borrowed from `map` */
    PyFrameObject *left_frame;
    frame_record *left; /* owned, or NULL */
} record_table;

void records_fini(record_table *table);

/* A new record, or NULL with an exception; and the end of a reference to one.
   NULL is allowed there. */
frame_record *records_new(void);
void records_release(frame_record *record);

/* The record of a frame, borrowed, or NULL. The second makes it the frame of
   the last event. */
frame_record *records_get(const record_table *table, PyFrameObject *frame);
frame_record *records_find(record_table *table, PyFrameObject *frame);

/* Takes the record of a frame out: a reference, or NULL. */
frame_record *records_take(record_table *table, PyFrameObject *frame);

/* Gives a frame a record, in place of any that it has; takes the reference. -1
   with an exception, and then the frame has none. */
int records_put(record_table *table, PyFrameObject *frame,
                frame_record *record);

/* Forgets which frame was left by the last event. */
void records_forget_left(record_table *table);

#endif
