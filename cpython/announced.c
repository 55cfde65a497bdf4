// SPDX-License-Identifier: Apache-2.0
#include "announced.h"

#include "mem.h"

struct announced_one {
    const struct frame_head *frame; /* borrowed; only compared */
    announced_how how;
};

void
announced_fini(announced_list *list)
{
    xt_free(list->items);
    *list = (announced_list){0};
}

announced_how
announced_take(announced_list *list, const struct frame_head *frame)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].frame == frame) {
            announced_how how = list->items[i].how;
            list->items[i] = list->items[--list->len];
            return how;
        }
    }
    return ANNOUNCED_NOT;
}

int
announced_add(announced_list *list, const struct frame_head *frame,
              announced_how how)
{
    (void)announced_take(list, frame);
    struct announced_one *items =
        xt_grow(list->items, &list->cap, list->len + 1, sizeof(*items));
    if (items == NULL) {
        return -1;
    }
    list->items = items;
    items[list->len++] = (struct announced_one){frame, how};
    return 0;
}
