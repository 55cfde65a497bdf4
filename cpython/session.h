// SPDX-License-Identifier: Apache-2.0
/* What one tracer holds: the Python object Tracer.
 *
 * tracer.c makes it and gives it its methods, run.c starts and ends runs, and
 * two engines fill it while the program runs: settrace.c and monitor.c.
 * Everything in it is guarded by the GIL, or else by `section`.
 */
#ifndef XT_SESSION_H
#define XT_SESSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "files.h"
#include "functions.h"
#include "lane.h"
#include "linelog.h"
#include "newcomers.h"
#include "ptrmap.h"
#include "seen.h"

/* What a tracer is asked to do: bits of its mode. Lines and functions can be
   asked for together. */
enum {
    TRACER_COUNT = 1,
    TRACER_LINES = 2,
    TRACER_FUNCTIONS = 4,
    TRACER_CALLERS = 8,
    TRACER_BRANCHES = 16,
    TRACER_PROBE = 32,     /* may count by probes, */
    TRACER_EVENT = 64,     /* and by events */
    TRACER_DEBUG = 128,    /* is to say in the end which it was */
    TRACER_CALLS = 256,    /* how often which function called which */
    TRACER_FILTERED = 512, /* functions and callers are filtered */
    TRACER_HOOKS = 1024,   /* a trace function in Python does all else */
    TRACER_ALL = 2048,     /* all files are wanted, by no name */
};

enum {
    TRACER_ANY_LINES = TRACER_COUNT | TRACER_LINES,
    TRACER_ANY_CALLS = TRACER_FUNCTIONS | TRACER_CALLERS | TRACER_CALLS,
};

typedef struct {
    PyObject_HEAD
    sync_section section; /* held while a run begins or ends, or counts are
                             brought in */
    PyObject *counts;     /* owned: what the attribute `counts` shows */
    SYNC_SHARED(unsigned)
    mode;                         /* TRACER_* bits; 0: not planned, or the slow
                                     path */
    SYNC_SHARED(Py_ssize_t) runs; /* runs that have begun and not ended */
    SYNC_SHARED(bool)
    needs_no_trace;            /* what the run counts needs no trace function;
                                  kept after it, for its threads whose first
                                  event comes then */
    struct run_start *started; /* owned: what start() began, or NULL */
    bool runs_program;         /* a program was begun and not ended */
    PyObject *program_hook; /* owned: threading's trace function before it, or
                               NULL if new threads need none */
    PyObject *trouble;      /* owned: the first exception of ours, or NULL */
    sync_lock trouble_lock; /* guards that */
    PyObject *awaited; /* owned: the spec of a module, or NULL. No call is seen
                          before that is imported. */
    SYNC_SHARED(bool) waits; /* it is not, as far as is known */

    /* Lines: counted and printed. */
    file_table files;
    line_log log;
    struct print_engine *printer; /* owned: prints by events, or NULL */
    struct printing *printing;    /* owned: how, if not as the standard module;
                                     or NULL */
    newcomer_list newcomers;      /* threads whose lines are printed, too */
    PyObject *judged; /* owned: dict {__file__: module name, or None} */
    PyObject *s_file; /* owned: the string "__file__" */
#ifdef Py_GIL_DISABLED
    lane_list lanes;
    SYNC_SHARED(uint64_t) plan;  /* how often what is wanted was said anew */
    SYNC_SHARED(uint64_t) begun; /* how often runs have begun */
#else
    thread_lane lane;
#endif
    struct EngineObject *engine; /* owned: while it counts for us, or NULL */
    seen_codes seen;             /* what was harvested before */
    xt_ptrmap sides;             /* code_entry -> owned side_counts */
    PyObject *branches;          /* owned: dict, what the attribute shows */
    PyObject *calls;             /* owned: the same */
    PyObject *call_graph;        /* owned: the same */
    PyObject *engines; /* owned: list, see _engines_used(); or NULL */

    struct kept_file *kept; /* owned: the file where it counts, or NULL */

    /* Functions and callers. */
    function_table functions;
    PyObject *disable;     /* owned: sys.monitoring.DISABLE, or NULL */
    SYNC_SHARED(int) tool; /* tool id held from sys.monitoring, or -1 */
    SYNC_SHARED(uint64_t)
    left_thread; /* of one that is traced no more, or 0 */
} TracerObject;

/* What the tracer has of this thread; NULL with an exception. */
static inline thread_lane *
session_lane(TracerObject *self)
{
#ifdef Py_GIL_DISABLED
    return lanes_get(&self->lanes);
#else
    return &self->lane;
#endif
}

/* Where this thread counts lines. */
static inline file_table *
session_files(TracerObject *self, thread_lane *mine)
{
#ifdef Py_GIL_DISABLED
    (void)self;
    return &mine->files;
#else
    (void)mine;
    return &self->files;
#endif
}

/* Has no call printed or noted until the module with this spec is imported.
   NULL with an exception. */
PyObject *session_wait_for(TracerObject *self, PyObject *spec);

bool session_looks_whether_it_waits(TracerObject *self);

/* Whether that is so, still. */
static inline bool
session_waits(TracerObject *self)
{
    return self->waits && session_looks_whether_it_waits(self);
}

/* Brings all lines that were counted into `counts`. -1 with an exception; no
   count is lost then. */
int session_flush(TracerObject *self);

/* An exception of ours must not disturb the program: the first is kept until
   the run ends. What is not ours (Ctrl-C in the midst of our work, what a
   signal handler of the program raises) goes on to the program: -1. An
   exception must be set. */
int session_keep_trouble(TracerObject *self);

/* What was kept so, or NULL: a reference, and it is kept no more. */
PyObject *session_take_trouble(TracerObject *self);

/* The same for one of printing. A file that cannot be written to will not get
   better, so that ends the printing; a line that could not be put together
   costs no more than itself. */
int session_keep_log_trouble(TracerObject *self);

/* Whether a pair in the cache needs no other look at the rules: the code of a
   function runs with the same globals each time, other code may not. */
static inline bool
session_trusts_cache(const TracerObject *self, const PyCodeObject *code)
{
    return (self->mode & TRACER_FILTERED) == 0 ||
           (code->co_flags & CO_OPTIMIZED) != 0;
}

/* Notes that code with the `globals` was called by code with `caller_globals`
   (NULL: nobody's), in a mode of calls. Sets *wanted to false when the rules
   leave it out. -1 with an exception. */
int session_note_call(TracerObject *self, recent_call call, PyObject *globals,
                      PyObject *caller_globals, bool *wanted);

/* Sets *file to __file__ in these globals, an exact str (a new reference), or
   to NULL if there is none. Where it is something else, a Path for example, it
   is the file of the code that runs with them: to ask the object would run
   code of the program, and count that. -1 with an exception. */
int session_file(const TracerObject *self, PyObject *globals, PyObject **file);

/* Sets *module to the name under which code with these globals is wanted
   (borrowed from what the thread has judged), or to NULL when it is not. -1
   with an exception, and then it is not. */
int session_judge(TracerObject *self, PyObject *globals, PyObject **module);

/* Whether code of the module with this __file__ is wanted, if that was judged
   before. */
bool session_wants(const TracerObject *self, PyObject *file);

#endif
