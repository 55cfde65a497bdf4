// SPDX-License-Identifier: Apache-2.0
/* Processes that end, or fork, without a word to us: what is held back is
 * written then.
 *
 * While an output is watched, os._exit(), os.execv() and os.execve() write
 * first (leaving.h); a fork writes before it, and the child drops
 * what it has of it; and the signals that would kill the process have a
 * handler that writes, gives the signal back to whoever had it before, and
 * raises it once more. A signal that the program takes for itself is left
 * alone, and so is SIGTERM where sigterm.h has it, which says when it ends the
 * process.
 */
#ifndef XT_ENDINGS_H
#define XT_ENDINGS_H

#include "output.h"

/* Watches over an output until endings_forget(). -1 with an exception. */
int endings_watch(output *out);

/* No more; nothing if it is not watched. Any exception that is set stays. */
void endings_forget(output *out);

#endif
