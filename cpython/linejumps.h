// SPDX-License-Identifier: Apache-2.0
/* Frames that a debugger has go on at another line, by setting `f_lineno`.
 *
 * To the flow, control has left in the midst of one instruction and come from
 * outside to another, where no line event fires: CPython tells nobody of the
 * line that a frame is put at.
 */
#ifndef XT_LINEJUMPS_H
#define XT_LINEJUMPS_H

#include "disguise.h"

/* Sets f_lineno of a frame as the row's descriptor would, and notes that; the
   owner is the engine. -1 with an exception. */
int linejumps_set(void *owner, const disguise_row *row, PyObject *frame,
                  PyObject *value);

#endif
