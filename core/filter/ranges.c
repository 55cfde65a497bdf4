// SPDX-License-Identifier: Apache-2.0
#include "ranges.h"

#include <limits.h>

#include "mem.h"

void
xt_ranges_fini(xt_ranges *ranges)
{
    xt_free(ranges->items);
    *ranges = (xt_ranges){0};
}

typedef struct {
    const char *at;
    const char *end;
} reader;

static bool
at_digit(const reader *in)
{
    return in->at < in->end && *in->at >= '0' && *in->at <= '9';
}

static bool
read_number(reader *in, int *number)
{
    if (!at_digit(in)) {
        return false;
    }
    int value = 0;
    while (at_digit(in)) {
        int digit = *in->at++ - '0';
        if (value > (INT_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}

static bool
read_range(reader *in, xt_range *range)
{
    if (!read_number(in, &range->from)) {
        return false;
    }
    range->to = range->from;
    if (in->at < in->end && *in->at == '-') {
        in->at++;
        range->to = INT_MAX;
        if (at_digit(in) && !read_number(in, &range->to)) {
            return false;
        }
    }
    return range->from <= range->to;
}

xt_status
xt_ranges_parse(xt_ranges *ranges, const char *text, size_t len)
{
    reader in = {text, text + len};
    size_t before = ranges->len;
    for (;;) {
        xt_range range;
        if (!read_range(&in, &range)) {
            ranges->len = before;
            return XT_CORRUPT;
        }
        xt_range *items = xt_grow(ranges->items, &ranges->cap, ranges->len + 1,
                                  sizeof(*items));
        if (items == NULL) {
            ranges->len = before;
            return XT_NOMEM;
        }
        ranges->items = items;
        items[ranges->len++] = range;
        if (in.at == in.end) {
            return XT_OK;
        }
        if (*in.at++ != ',') {
            ranges->len = before;
            return XT_CORRUPT;
        }
    }
}
