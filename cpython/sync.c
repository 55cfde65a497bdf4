// SPDX-License-Identifier: Apache-2.0
#include "sync.h"

#ifdef Py_GIL_DISABLED

#include <pthread.h>

PyMutex sync_mutex;

static void
before_fork(void)
{
    PyMutex_Lock(&sync_mutex);
}

static void
after_fork(void)
{
    PyMutex_Unlock(&sync_mutex);
}

static void
register_for_good(void)
{
    /* Handlers that run before a fork run in reverse: this one last. */
    (void)pthread_atfork(before_fork, after_fork, after_fork);
}

void
sync_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, register_for_good);
}

#endif
