// SPDX-License-Identifier: Apache-2.0
/* Calls of sys.monitoring (PEP 669, CPython 3.12 and later), for the engines
 * that live on its events.
 */
#ifndef XT_MONITORING_H
#define XT_MONITORING_H

#include "compat.h"

/* One event, and who is called for it. */
typedef struct {
    const char *event;    /* its name in sys.monitoring.events */
    const char *callback; /* a method of the owner, or NULL: nobody */
} monitoring_row;

/* sys.monitoring, a new reference; NULL without an exception where there is
   none. */
PyObject *monitoring_get(void);

/* Takes a tool id that nobody uses, under our name: the id, -1 when there is
   none, -2 with an exception. */
int monitoring_take_tool(PyObject *monitoring);

/* Whether the tool id is still ours: a program may have freed it. */
bool monitoring_holds(PyObject *monitoring, int tool);

/* Gives the tool id back, with no events and no callbacks left (those of
   `rows`). Whether or not an exception is set; nothing happens if the program
   has freed the id. */
void monitoring_free_tool(PyObject *monitoring, int tool,
                          const monitoring_row *rows, size_t len);

/* The bits of the events in `rows`, or -1 with an exception. */
long monitoring_events(PyObject *monitoring, const monitoring_row *rows,
                       size_t len);

/* Registers the owner's callbacks. -1 with an exception. */
int monitoring_register(PyObject *monitoring, int tool, PyObject *owner,
                        const monitoring_row *rows, size_t len);

/* Switches the events with these bits on, everywhere, and all others off.
   -1 with an exception. */
int monitoring_switch(PyObject *monitoring, int tool, long events);

/* The same for one code object. */
int monitoring_switch_code(PyObject *monitoring, int tool, PyCodeObject *code,
                           long events);

/* Forgets where callbacks have returned DISABLE. -1 with an exception. */
int monitoring_restart(PyObject *monitoring);

#endif
