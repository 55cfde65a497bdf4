// SPDX-License-Identifier: Apache-2.0
#include "straight.h"

#include "mem.h"

void
xt_straight_fini(xt_straight *straight)
{
    xt_free(straight->steps);
    *straight = (xt_straight){0};
}

/* Where the location table has been read up to. */
typedef struct {
    xt_location_reader reader;
    xt_location_entry entry;
} place_reader;

/* The line of a code unit, or -1. Units must be asked for in their order. */
static xt_status
line_at(place_reader *places, uint32_t unit, int32_t *line)
{
    while (places->entry.end <= unit) {
        bool more;
        xt_status status =
            xt_location_next(&places->reader, &places->entry, &more);
        if (status != XT_OK || !more) {
            return XT_CORRUPT;
        }
    }
    *line = places->entry.has_line ? places->entry.line : -1;
    return XT_OK;
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

/* An instruction: its first code unit, and the one behind its caches. */
typedef struct {
    uint32_t start;
    uint32_t end;
    uint8_t kind; /* xt_opcode_kind */
} straight_instr;

static bool
read_instr(straight_instr *instr, const xt_code_view *view, uint32_t units)
{
    const xt_opcodes *ops = view->ops;
    uint32_t at = instr->start;
    while (at < units && view->code[2 * at] == ops->extended_arg) {
        at++;
    }
    if (at == units) {
        return false;
    }
    xt_opcode_traits traits = ops->traits[view->code[2 * at]];
    instr->kind = traits.kind;
    instr->end = at + 1 + traits.caches;
    return instr->end <= units;
}

/* The rules of lines.c, where no jump and no handler leads anywhere: an event
   wherever the line changes, from the instruction behind RESUME on. */
xt_status
xt_straight_read(xt_straight *straight, const xt_code_view *view)
{
    uint32_t units = (uint32_t)(view->code_len / 2);
    place_reader places = {.entry.end = 0};
    xt_location_start(&places.reader, view->locations, view->locations_len,
                      view->first_line);
    straight->len = 0;
    if (view->exceptions_len > 0) {
        return XT_UNSUPPORTED;
    }
    bool traceable = false;
    int32_t current = -1;
    straight_instr instr = {.end = 0};
    while (instr.end < units) {
        instr.start = instr.end;
        if (!read_instr(&instr, view, units)) {
            return XT_CORRUPT;
        }
        bool plain = instr.kind == XT_KIND_PLAIN || instr.kind == XT_KIND_CALL;
        bool begins = instr.kind == XT_KIND_RESUME && !traceable;
        bool ends =
            (instr.kind == XT_KIND_RETURN || instr.kind == XT_KIND_RAISE) &&
            instr.end == units;
        if (!plain && !begins && !ends) {
            return XT_UNSUPPORTED;
        }
        int32_t line;
        if (line_at(&places, instr.start, &line) != XT_OK) {
            return XT_CORRUPT;
        }
        if (traceable && line != current) {
            current = line;
            if (line >= 0 && add_step(straight, instr.start, line) != XT_OK) {
                return XT_NOMEM;
            }
        }
        traceable = traceable || begins;
        if (ends) {
            return traceable ? XT_OK : XT_UNSUPPORTED;
        }
    }
    return XT_UNSUPPORTED;
}
