// SPDX-License-Identifier: Apache-2.0
/* Runs of straight code that have been noted, but not read: which lines they
 * hit follows from their location tables, when somebody asks.
 */
#ifndef XT_RUNLOG_H
#define XT_RUNLOG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "straight.h"

/* A part of one run, or of some that were alike; 32 bytes. */
typedef struct {
    PyObject *table; /* bytes: co_linetable; owned by whoever has the run */
    int first_line;
    uint32_t start; /* the code unit behind RESUME */
    uint32_t from;  /* the line events in these code units are those it had */
    uint32_t to;    /* (exclusive) */
    uint32_t times; /* each of them so often */
} straight_run;

/* Zero is valid and empty. */
typedef struct {
    straight_run *items; /* owned, also the tables */
    size_t len;
    size_t cap;
    size_t bytes;    /* of all tables */
    size_t at;       /* the run that is being read, */
    bool reads;      /* if one is, */
    xt_straight way; /* and what it has come to */
} run_log;

void runlog_fini(run_log *log);

/* Whether it holds so much memory that it should be read. */
bool runlog_is_full(const run_log *log);

/* A reader of a run. */
xt_straight runlog_way(const straight_run *run);

/* Makes room for one more; false if out of memory. */
bool runlog_reserve(run_log *log);

/* Appends a run, for which there is room. */
void runlog_add(run_log *log, const straight_run *run);

/* The line of the next event of a run, or -1 if there is none. Runs are read
   one after the other. */
int32_t runlog_line(run_log *log, size_t at);

/* Goes on to the event behind that. */
void runlog_pass(run_log *log);

#endif
