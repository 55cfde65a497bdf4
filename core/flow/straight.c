// SPDX-License-Identifier: Apache-2.0
#include "straight.h"

#include "mem.h"

void
xt_straight_fini(xt_straight *straight)
{
    xt_free(straight->steps);
    *straight = (xt_straight){0};
}

/* Room for as many steps as there can be. */
static xt_status
reserve(xt_straight *straight, size_t units)
{
    xt_straight_step *steps =
        xt_renew(straight->steps, &straight->cap, units, sizeof(*steps));
    if (steps == NULL) {
        return XT_NOMEM;
    }
    straight->steps = steps;
    return XT_OK;
}

/* Where control is on its way. */
typedef struct {
    const xt_code_view *view;
    uint32_t units;
    uint32_t unit;  /* of the instruction that is next */
    bool traceable; /* RESUME has been passed */
} walk;

/* Goes behind the next instruction, if the code does not end before. */
static xt_opcode_kind
step(walk *at)
{
    const xt_opcodes *ops = at->view->ops;
    const unsigned char *code = at->view->code;
    uint32_t unit = at->unit;
    while (code[2 * unit] == ops->extended_arg && unit + 1 < at->units) {
        unit++;
    }
    const xt_opcode_traits *traits = &ops->traits[ops->base[code[2 * unit]]];
    at->unit = unit + 1 + traits->caches;
    return traits->kind;
}

/* The rules of lines.c, where no jump and no handler leads anywhere: an event
   wherever the line changes, from the instruction behind RESUME on. */
xt_status
xt_straight_read(xt_straight *straight, const xt_code_view *view)
{
    walk at = {.view = view, .units = (uint32_t)(view->code_len / 2)};
    straight->len = 0;
    if (view->exceptions_len > 0) {
        return XT_UNSUPPORTED;
    }
    if (reserve(straight, at.units) != XT_OK) {
        return XT_NOMEM;
    }
    xt_location_reader places;
    xt_location_start(&places, view->locations, view->locations_len,
                      view->first_line);
    int32_t current = -1;
    while (at.unit < at.units) {
        int32_t line;
        bool more;
        if (xt_location_next_line(&places, &line, &more) != XT_OK || !more) {
            return XT_CORRUPT;
        }
        while (at.unit < places.unit && at.unit < at.units) {
            if (line != current && at.traceable) {
                current = line;
                straight->steps[straight->len] =
                    (xt_straight_step){at.unit, line};
                straight->len += line >= 0;
            }
            xt_opcode_kind kind = step(&at);
            if (kind == XT_KIND_EXTENDED_ARG || at.unit > at.units) {
                return XT_CORRUPT;
            }
            if (kind == XT_KIND_PLAIN || kind == XT_KIND_CALL) {
                continue;
            }
            if (kind == XT_KIND_RESUME && !at.traceable) {
                at.traceable = true;
                continue;
            }
            bool ends = kind == XT_KIND_RETURN || kind == XT_KIND_RAISE;
            return ends && at.unit == at.units && at.traceable
                       ? XT_OK
                       : XT_UNSUPPORTED;
        }
    }
    return XT_UNSUPPORTED;
}
