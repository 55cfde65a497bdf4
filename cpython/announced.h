// SPDX-License-Identifier: Apache-2.0
/* Frames into which an exception was thrown: PY_THROW comes before
 * EXCEPTION_HANDLED or PY_UNWIND of the same frame. Each thread has one at
 * most, and nothing of the program runs meanwhile, so the list is empty nearly
 * always.
 */
#ifndef XT_ANNOUNCED_H
#define XT_ANNOUNCED_H

#include <stdbool.h>
#include <stddef.h>

struct frame_head;

/* Zero is empty; guarded by the GIL. */
typedef struct {
    const struct frame_head **frames; /* owned; only compared */
    size_t len;
    size_t cap;
} announced_list;

void announced_fini(announced_list *list);

/* Notes a frame. -1 (without an exception) if out of memory. */
int announced_add(announced_list *list, const struct frame_head *frame);

/* Whether a frame was noted; it is forgotten then. */
bool announced_take(announced_list *list, const struct frame_head *frame);

#endif
