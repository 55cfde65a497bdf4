// SPDX-License-Identifier: Apache-2.0
#include "announced.h"

#include "mem.h"

void
announced_fini(announced_list *list)
{
    xt_free((void *)list->frames);
    *list = (announced_list){0};
}

bool
announced_take(announced_list *list, const struct frame_head *frame)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->frames[i] == frame) {
            list->frames[i] = list->frames[--list->len];
            return true;
        }
    }
    return false;
}

int
announced_add(announced_list *list, const struct frame_head *frame)
{
    (void)announced_take(list, frame);
    const struct frame_head **frames =
        xt_grow((void *)list->frames, &list->cap, list->len + 1,
                sizeof(const struct frame_head *));
    if (frames == NULL) {
        return -1;
    }
    list->frames = frames;
    frames[list->len++] = frame;
    return 0;
}
