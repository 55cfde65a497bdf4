// SPDX-License-Identifier: Apache-2.0
/* Code that starts to run: whether any tracer wants it, and how it is counted
 * from then on (docs/decisions/0006).
 */
#ifndef XT_ADOPT_H
#define XT_ADOPT_H

#include "engine.h"

/* The callbacks for PY_START and PY_RESUME. */
PyObject *adopt_started(EngineObject *self, PyObject *const *args,
                        Py_ssize_t nargs);
PyObject *adopt_resumed(EngineObject *self, PyObject *const *args,
                        Py_ssize_t nargs);

/* Has a frame that runs already counted by events, if it is wanted; later ones
   of the same function may be rewritten. -1 with an exception. */
int adopt_running(EngineObject *self, PyCodeObject *code, PyObject *globals);

/* The same for code, which is wanted, that has frames in their midst. `file`
   is that of their module. */
int adopt_midway(EngineObject *self, PyCodeObject *code, PyObject *file);

/* Whether CPython itself runs the frames, and no evaluator that may look into
   their bytecode (PEP 523). */
bool adopt_is_plain(void);

/* Why no code can be rewritten now (static); NULL: it can. */
const char *adopt_refuse(const EngineObject *self);

/* Notes in which file the code ran, the first time that there is one. */
void adopt_note_file(const EngineObject *self, code_entry *entry,
                     PyObject *globals);

/* Counts the code by events from now on. -1 with an exception. */
int adopt_by_events(EngineObject *self, code_entry *entry);

/* Prepares rewritten code, in which a frame will go on, for all events that
   are on, of whatever tool. -1 with an exception. */
int adopt_prepare(EngineObject *self, code_entry *entry);

/* Whether a frame runs in the module with this __file__ (an exact str):
   whether it is wanted depends on that. */
bool adopt_is_at_home(const EngineObject *self, const frame_head *frame,
                      PyObject *file);

/* Has later calls of a function run other code of the same meaning. -1 with an
   exception. */
int adopt_set_code(const EngineObject *self, PyObject *function,
                   PyCodeObject *code);

#endif
