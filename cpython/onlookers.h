// SPDX-License-Identifier: Apache-2.0
/* Other users of sys.monitoring, while probes are in use.
 *
 * They get events of rewritten code, and switch events on for code that they
 * know by its original. So their callbacks are wrapped: they are given the
 * original code object and offsets into it, and nothing of our own
 * instructions. And what they switch on for the original is switched on for
 * the rewritten code as well. For this, the functions of sys.monitoring stay
 * the objects that they are, but call ours first; and so do those of sys that
 * have the interpreter call functions without a word to us.
 */
#ifndef XT_ONLOOKERS_H
#define XT_ONLOOKERS_H

#include "registry.h"

struct EngineObject;

enum { ONLOOKERS_FUNCTIONS = 8 };

typedef struct {
    PyObject *function;      /* owned: of sys.monitoring, or NULL */
    PyMethodDef *definition; /* borrowed: its own */
    PyObject *self;          /* owned: its own */
    PyMethodDef ours;
} onlookers_patch;

typedef struct onlookers {
    PyTypeObject *type;          /* owned: of wrapped callbacks */
    struct EngineObject *engine; /* borrowed, as are all below that it has */
    PyObject *monitoring;        /* sys.monitoring */
    probed_types *types;
    code_registry *registry;
    int tool;    /* our own tool id, whose callbacks are not wrapped */
    bool active; /* some tool besides ours is or was in use */
    onlookers_patch patches[ONLOOKERS_FUNCTIONS];
} onlookers;

int onlookers_init(onlookers *self, PyObject *module);

/* Begins to look after other tools than the engine. -1 with an exception. */
int onlookers_begin(onlookers *self, struct EngineObject *engine);

/* Ends it, whether or not an exception is set. */
void onlookers_end(onlookers *self);

/* Switches on for rewritten code what others have for its original. -1 with
   an exception. */
int onlookers_copy_events(onlookers *self, PyCodeObject *original,
                          PyCodeObject *code);

#endif
