// SPDX-License-Identifier: Apache-2.0
/* Exceptions that one event has told of, and that another will tell of next:
 * RERAISE or PY_THROW come before EXCEPTION_HANDLED or PY_UNWIND of the same
 * frame. Each thread has one at most, and nothing of the program runs
 * meanwhile, so the list is empty nearly always.
 */
#ifndef XT_ANNOUNCED_H
#define XT_ANNOUNCED_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
    ANNOUNCED_NOT,
    ANNOUNCED_RERAISED, /* raised on, and noted already */
    ANNOUNCED_THROWN,   /* thrown into a suspended generator */
} announced_how;

struct frame_head;

/* Zero is empty; guarded by the GIL. */
typedef struct {
    struct announced_one *items; /* owned */
    size_t len;
    size_t cap;
} announced_list;

void announced_fini(announced_list *list);

/* Notes how an exception came up in a frame, in place of what was noted of
   it. -1 (without an exception) if out of memory. */
int announced_add(announced_list *list, const struct frame_head *frame,
                  announced_how how);

/* What was noted of a frame, which is forgotten then. */
announced_how announced_take(announced_list *list,
                             const struct frame_head *frame);

#endif
