// SPDX-License-Identifier: Apache-2.0
/* The line events of one frame in a journal, should nobody come to count them:
 * those that it has or will have up to where its code forks next.
 */
#ifndef XT_KEPTRUN_H
#define XT_KEPTRUN_H

#include "compat.h"
#include "journal.h"
#include "route.h"

struct kept_file;

/* Zero is a frame that is in no journal. */
typedef struct {
    xt_journal_body *body; /* in the journal's memory, or NULL */
    size_t room;           /* events that there are lines for */
} kept_run;

/* Notes events that the frame has had or will have, in place of those before,
   which are counted. `file` is their co_filename; `ended`: most likely the
   frame does no more. Nothing is noted if there is no room. */
void keptrun_put(kept_run *run, struct kept_file *journal, PyObject *file,
                 const xt_route_step *steps, size_t len, bool ended);

/* So many of the last events are not counted yet. */
static inline void
keptrun_leave(kept_run *run, size_t events)
{
    if (run->body != NULL) {
        run->body->settled = run->room - events;
    }
}

/* The frame may not come to the end soon. */
static inline void
keptrun_lives(kept_run *run)
{
    if (run->body != NULL) {
        run->body->ended = 0;
    }
}

#endif
