// SPDX-License-Identifier: Apache-2.0
#include "straight.h"

#include "mem.h"

void
xt_straight_fini(xt_straight *straight)
{
    xt_free(straight->steps);
    *straight = (xt_straight){0};
}

static xt_status
add_step(xt_straight *straight, uint32_t unit, int32_t line)
{
    xt_straight_step *steps = xt_grow(straight->steps, &straight->cap,
                                      straight->len + 1, sizeof(*steps));
    if (steps == NULL) {
        return XT_NOMEM;
    }
    straight->steps = steps;
    steps[straight->len++] = (xt_straight_step){unit, line};
    return XT_OK;
}

/* Reads the instruction at a code unit: returns the unit behind its caches, or
   0 if the code ends before. */
static uint32_t
read_instr(const xt_code_view *view, uint32_t units, uint32_t at,
           xt_opcode_kind *kind)
{
    const xt_opcodes *ops = view->ops;
    while (at < units && view->code[2 * at] == ops->extended_arg) {
        at++;
    }
    if (at == units) {
        return 0;
    }
    uint8_t op = view->code[2 * at];
    const xt_opcode_traits *traits = &ops->traits[op];
    if (traits->kind == XT_KIND_UNKNOWN) {
        traits = &ops->traits[ops->base[op]];
    }
    *kind = traits->kind;
    uint32_t end = at + 1 + traits->caches;
    return end <= units ? end : 0;
}

/* The rules of lines.c, where no jump and no handler leads anywhere: an event
   wherever the line changes, from the instruction behind RESUME on. */
xt_status
xt_straight_read(xt_straight *straight, const xt_code_view *view)
{
    uint32_t units = (uint32_t)(view->code_len / 2);
    xt_location_reader places;
    xt_location_start(&places, view->locations, view->locations_len,
                      view->first_line);
    straight->len = 0;
    if (view->exceptions_len > 0) {
        return XT_UNSUPPORTED;
    }
    bool traceable = false;
    int32_t current = -1;
    uint32_t unit = 0;
    while (unit < units) {
        int32_t line;
        bool more;
        if (xt_location_next_line(&places, &line, &more) != XT_OK || !more) {
            return XT_CORRUPT;
        }
        while (unit < places.unit && unit < units) {
            xt_opcode_kind kind;
            uint32_t end = read_instr(view, units, unit, &kind);
            if (end == 0) {
                return XT_CORRUPT;
            }
            if (traceable && line != current) {
                current = line;
                if (line >= 0 && add_step(straight, unit, line) != XT_OK) {
                    return XT_NOMEM;
                }
            }
            unit = end;
            if (kind == XT_KIND_PLAIN || kind == XT_KIND_CALL) {
                continue;
            }
            if (kind == XT_KIND_RESUME && !traceable) {
                traceable = true;
                continue;
            }
            bool ends = kind == XT_KIND_RETURN || kind == XT_KIND_RAISE;
            return ends && unit == units && traceable ? XT_OK : XT_UNSUPPORTED;
        }
    }
    return XT_UNSUPPORTED;
}
