// SPDX-License-Identifier: Apache-2.0
#include "forked.h"

#include "firstruns.h"
#include "kept.h"
#include "live.h"

#ifndef _WIN32
#include <pthread.h>

/* Guarded by the GIL. A fork is one of the main interpreter. */
static EngineObject *watched;

/* Runs in the child, before CPython takes the other threads away. A thread
   that forks without the GIL is none of Python's, and its child runs no
   Python. */
static void
in_child(void)
{
    kept_in_child(); /* before anything is written there */
    if (watched != NULL && PyGILState_Check()) {
        live_abandon(watched);
        firstruns_abandon(watched);
        fewcalls_abandon(watched);
    }
}

void
forked_watch(EngineObject *engine)
{
    static bool registered;
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        return;
    }
    watched = engine;
    if (engine != NULL && !registered) {
        registered = pthread_atfork(NULL, NULL, in_child) == 0;
    }
}
#else
void
forked_watch(const EngineObject *Py_UNUSED(engine))
{
}
#endif
