// SPDX-License-Identifier: Apache-2.0
/* The engines that count lines on CPython 3.12 and later: probes, and events
 * where no probe can be.
 *
 * There is one of it per interpreter, shared by all tracers that count at a
 * time. It learns of a code object when that is first started: the event
 * PY_START comes before the first line. If any tracer wants the code, it is
 * rewritten there and then, its function gets the rewritten code for later
 * calls, and the frame that has just been started goes on in it. So no loader
 * and no compiler needs to be touched, and code is rewritten only if it runs.
 *
 * A code object that cannot be rewritten, and a frame that cannot be switched
 * (a generator that runs already, or has no room for probes), is counted by
 * the events LINE and JUMP of that code object, as sys.settrace() would
 * (docs/probes.md).
 */
#ifndef XT_ENGINE_H
#define XT_ENGINE_H

#include "announced.h"
#include "disguise.h"
#include "fewcalls.h"
#include "firstruns.h"
#include "onlookers.h"
#include "registry.h"
#include "session.h"
#include "turns.h"

typedef struct EngineObject {
    PyObject_HEAD
    probed_types types;      /* owned */
    PyObject *monitoring;    /* owned: sys.monitoring */
    PyObject *disable;       /* owned: sys.monitoring.DISABLE */
    PyObject *s_code;        /* owned: the string "__code__" */
    int tool;                /* tool id held, or -1 */
    bool on;                 /* or halfway so, or halfway off */
    uint64_t endings;        /* how often it was switched off */
    turns turns;             /* in which it is switched on and off */
    long line_events;        /* bits of the events that count by events */
    long start_event;        /* the bit of PY_START */
    long step_event;         /* that of INSTRUCTION */
    long side_events;        /* those of branches */
    long return_event;       /* that of PY_RETURN */
    bool probes;             /* whether code may be rewritten */
    bool branches;           /* whether branches are counted too */
    bool unrestored;         /* a function is left with rewritten code */
    int watcher;             /* of code that is freed, or -1 */
    uint64_t left_thread;    /* the id of a thread that counts no more, or 0 */
    TracerObject **sessions; /* owned array of borrowed tracers */
    size_t sessions_len;
    size_t sessions_cap;
    traced_file **files; /* owned scratch: one for each session */
    size_t files_cap;
    uint64_t files_asked; /* how often it was filled */
    code_registry registry;
    first_runs firsts;
    few_calls_table fews;
    announced_list announced;
    disguise disguise;
    onlookers onlookers;
} EngineObject;

/* Makes the interpreter's engine for the module; NULL with an exception. */
PyObject *engine_new(PyObject *module);

/* Starts to count for a tracer, in its mode. Returns 1 when on, 0 when this
   interpreter cannot or another thread takes too long to begin or end, -1 with
   an exception. */
int engine_begin(EngineObject *self, TracerObject *tracer);

/* Has the frames of this thread counted that run already. -1 with an
   exception. */
int engine_take_frames(EngineObject *self);

/* The same for those of all other threads. */
int engine_take_threads(EngineObject *self);

/* Brings what was counted into the tracer's files, and stops counting for it.
   Whether or not an exception is set; trouble is kept in the tracer. */
void engine_end(EngineObject *self, TracerObject *tracer);

/* Stops counting for a tracer that is being freed: what it had not harvested
   is lost with it. */
void engine_drop(EngineObject *self, TracerObject *tracer);

/* The program's own thread has come to its end: from now on, no code that it
   runs is new to us. Without other threads this is engine_end(). */
void engine_leave_thread(EngineObject *self, TracerObject *tracer);

/* Brings what was counted so far into the tracer's files. -1 with an
   exception; no count is lost then. */
int engine_harvest(EngineObject *self, TracerObject *tracer);

/* The same for lines alone, which costs less. */
int engine_harvest_lines(EngineObject *self, TracerObject *tracer);

/* Where each session counts the lines of a code object of this name
   (co_filename) that runs in a module with this __file__: NULL for one that
   does not want it. Valid until the next call; NULL with an exception. */
traced_file **engine_files(EngineObject *self, PyObject *file, PyObject *name);

/* Keeps an exception of ours in the tracers, until the program cannot suffer
   from it. -1 if it is the program's own. */
int engine_keep_trouble(EngineObject *self);

/* Whether an event is about code of Python; C code may report events of its
   own objects (C API, "Monitoring"). */
static inline bool
engine_is_about_code(PyObject *const *args, Py_ssize_t nargs,
                     Py_ssize_t wanted)
{
    return nargs == wanted && PyCode_Check(args[0]);
}

#endif
