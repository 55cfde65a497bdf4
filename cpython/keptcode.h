// SPDX-License-Identifier: Apache-2.0
/* The counters of code in the journal (kept.h). */
#ifndef XT_KEPTCODE_H
#define XT_KEPTCODE_H

#include "kept.h"

struct code_entry;
struct probed_code;

/* Has the journal of a tracer, if it has one and counts by the engine, take
   in the counters of all code, and of all that comes. */
void keptcode_begin(TracerObject *tracer);

/* Takes the counters out of the file. False if memory ran out: then they go on
   to be there. */
bool keptcode_end(TracerObject *tracer, kept_file *journal);

/* Moves the counters of new code into the file, if there is room. */
void keptcode_add(kept_file *journal, struct probed_code *probed);

/* The code is asked for by the tracer whose journal it is in. */
void keptcode_want(kept_file *journal, const struct probed_code *probed);

/* Notes where the frames of the thread that began stand, but for the one that
   has just been started. */
void keptcode_note_frames(struct EngineObject *engine);

/* Room for the exceptions of code whose slots are in the file, or NULL. */
uint64_t *keptcode_breaks(struct probed_code *probed);

/* Room for the sides of code that is counted by events, or NULL. */
uint64_t *keptcode_sides(kept_file *journal, PyCodeObject *code,
                         uint32_t points);

/* The code is gone. */
void keptcode_forget(struct probed_code *probed);

#endif
