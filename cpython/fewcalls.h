// SPDX-License-Identifier: Apache-2.0
/* Code without loops that has run a few times only: what it did is counted
 * without a probe.
 *
 * Each call is told of by the event of its start. Which way it went at each
 * branch, the interpreter itself remembers, for so many calls (core/flow/
 * history.h). It is read when counts are: together with the exceptions that
 * were raised meanwhile, and where the frames stand that still run, the counts
 * of all lines follow. A function that is called more often than that is
 * rewritten, as those with loops are; what it did before is still remembered.
 *
 * A code object's memory is all that is kept: there is nothing in a journal
 * (kept.h), so as long as there is one, this is not used.
 *
 * What would let the interpreter forget, or run the code without telling us,
 * ends this: other tools of sys.monitoring, trace functions, audit hooks. What
 * of that we cannot see is told in docs/probes.md ("Limits").
 */
#ifndef XT_FEWCALLS_H
#define XT_FEWCALLS_H

#include "frame.h"
#include "ptrmap.h"
#include "segments.h"

struct EngineObject;

/* Zero memory is valid and empty. */
typedef struct {
    xt_ptrmap by_code;       /* code -> its few_calls: owned, the code borrowed
                                while the engine is told of code that is freed */
    struct few_calls *first; /* those with something to count */
    xt_ptrmap unfit; /* borrowed: code of frames that run where nobody wants
                        them, or did before we were told of starts: they are
                        not counted, but the interpreter remembers */
    xt_segments segments; /* scratch, as is the next one */
    xt_exctable handlers;
    uint64_t renewed; /* how often calls have begun to be noted anew */
    uint64_t rounds;  /* how often all was counted */
    bool counts;      /* it is now */
    bool refuses;     /* no more code is noted */
    bool ended;       /* and no more calls */
} few_calls_table;

/* Forgets all. */
void fewcalls_fini(few_calls_table *table);

/* A session begins. What runs already is not counted here. */
void fewcalls_begin(struct EngineObject *engine);

typedef enum {
    FEW_UNKNOWN, /* the code was not noted before */
    FEW_NOTED,   /* one call more */
    FEW_KNOWN,   /* it was, but this call is not */
    FEW_FAILED,  /* with an exception; the same */
} few_known;

/* A frame starts to run code that may have been noted. */
few_known fewcalls_note(struct EngineObject *engine, const frame_head *frame,
                        PyCodeObject *code);

/* Whether code was wanted before, and may still run as it was. */
bool fewcalls_knows(const struct EngineObject *engine, PyCodeObject *code);

/* A frame starts to run code, which is wanted, for the first time or for the
   first since a session began. 1 if it is noted here, 0 if it has to be
   counted otherwise, -1 with an exception. */
int fewcalls_start(struct EngineObject *engine, const frame_head *frame,
                   PyCodeObject *code);

/* A frame starts to run code where nobody wants it; others may. */
void fewcalls_refuse(struct EngineObject *engine, PyCodeObject *code);

/* An exception takes the running frame, which runs `code`, to the handler at a
   code unit, or out of it (-1). -1 with an exception. */
int fewcalls_interrupted(struct EngineObject *engine, const frame_head *frame,
                         PyCodeObject *code, Py_ssize_t handler);

/* Brings what was counted so far into the files of all tracers. -1 with an
   exception: then it is for the next one. */
int fewcalls_settle(struct EngineObject *engine);

/* The same in steps, for who looks at all frames anyway. Notes a frame that
   runs; -1 (without an exception) if out of memory. */
int fewcalls_found(struct EngineObject *engine, PyCodeObject *code,
                   Py_ssize_t unit);

/* After all were noted. */
int fewcalls_count_found(struct EngineObject *engine);

/* Instead of that. */
void fewcalls_forget_found(struct EngineObject *engine);

/* Another session begins, or a journal: the next call of code that was called
   before is its first, once those are counted. What runs already and is not
   noted is not counted here. */
void fewcalls_renew(struct EngineObject *engine);

/* No more code is counted here: what was is brought in, or lost if that fails.
   -1 with an exception. */
int fewcalls_end(struct EngineObject *engine);

/* From now on the code's frames are counted by events. -1 with an exception:
   nothing has changed. */
int fewcalls_leave(struct EngineObject *engine, PyCodeObject *code);

/* The code, which may have been noted, is being freed. -1 with an exception.
 */
int fewcalls_code_freed(struct EngineObject *engine, PyCodeObject *code);

/* In a forked child: the frames of all other threads, which are no more, stand
   where they stand for good. */
void fewcalls_abandon(struct EngineObject *engine);

#endif
