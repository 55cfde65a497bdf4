// SPDX-License-Identifier: Apache-2.0
/* Notices that some dicts have changed, so that what was looked up in them
 * need not be looked up again for each line that is printed.
 */
#ifndef XT_DICTWATCH_H
#define XT_DICTWATCH_H

#include "compat.h"

/* A watcher of this interpreter, or -1 if there is none to be had:
   before 3.12, without the GIL (another thread may change a dict between the
   look and the use), or if others have taken all. Never fails. */
int dictwatch_begin(void);
void dictwatch_end(int watcher);

/* Watches one more dict. False if that cannot be. */
bool dictwatch_add(int watcher, PyObject *dict);

/* A number that is another one after each change of any of them. Never 0. */
uint64_t dictwatch_changes(void);

#endif
