// SPDX-License-Identifier: Apache-2.0
#include "instr.h"

#include <string.h>

#include "mem.h"

void
xt_instrs_fini(xt_instrs *instrs)
{
    xt_free(instrs->items);
    xt_free(instrs->at_unit);
    xt_free(instrs->jumps);
    xt_free(instrs->places);
    xt_free(instrs->origins);
    xt_exctable_fini(&instrs->handlers);
    *instrs = (xt_instrs){0};
}

static xt_status
reserve(xt_instrs *instrs, size_t units)
{
    xt_instr *items =
        xt_renew(instrs->items, &instrs->cap, units, sizeof(*items));
    if (items == NULL) {
        return XT_NOMEM;
    }
    instrs->items = items;
    uint32_t *at_unit =
        xt_renew(instrs->at_unit, &instrs->units_cap, units, sizeof(*at_unit));
    if (at_unit == NULL) {
        return XT_NOMEM;
    }
    instrs->at_unit = at_unit;
    uint32_t *jumps =
        xt_renew(instrs->jumps, &instrs->jumps_cap, units, sizeof(*jumps));
    if (jumps == NULL) {
        return XT_NOMEM;
    }
    instrs->jumps = jumps;
    xt_location_entry *places =
        xt_renew(instrs->places, &instrs->places_cap, units, sizeof(*places));
    if (places == NULL) {
        return XT_NOMEM;
    }
    instrs->places = places;
    return XT_OK;
}

/* Reads the instruction at a code unit. */
static xt_status
read_one(xt_instr *instr, const xt_code_view *view, uint32_t units,
         uint32_t start)
{
    enum { EXTENDED_MOST = 3 };
    const xt_opcodes *ops = view->ops;
    uint32_t at = start;
    uint32_t oparg = 0;
    while (view->code[2 * at] == ops->extended_arg) {
        oparg = (oparg | view->code[2 * at + 1]) << 8;
        at++;
        if (at == units || at - start > EXTENDED_MOST) {
            return XT_CORRUPT;
        }
    }
    uint8_t op = view->code[2 * at];
    xt_opcode_traits traits = ops->traits[op];
    *instr = (xt_instr){
        .start = start,
        .end = at + 1 + traits.caches,
        .oparg = oparg | view->code[2 * at + 1],
        .target = XT_NONE,
        .op = op,
        .kind = traits.kind,
        .extended = (uint8_t)(at - start),
    };
    if (traits.kind == XT_KIND_UNKNOWN) {
        return XT_UNSUPPORTED;
    }
    return instr->end <= units ? XT_OK : XT_CORRUPT;
}

static xt_status
read_code(xt_instrs *instrs, const xt_code_view *view)
{
    uint32_t units = (uint32_t)(view->code_len / 2);
    instrs->ops = view->ops;
    instrs->len = 0;
    instrs->units = units;
    instrs->jumps_len = 0;
    uint32_t *at_unit = instrs->at_unit;
    xt_instr *instr = instrs->items;
    uint32_t index = 0;
    for (uint32_t unit = 0; unit < units; index++, instr++) {
        xt_status status = read_one(instr, view, units, unit);
        if (status != XT_OK) {
            return status;
        }
        if (view->ops->traits[instr->op].jump != XT_JUMP_NONE) {
            instrs->jumps[instrs->jumps_len++] = index;
        }
        if (xt_opcode_remembers(view->ops, instr->op)) {
            memcpy(&instr->recall, view->code + 2 * (size_t)(instr->end - 1),
                   sizeof(instr->recall));
        }
        if (instr->op == view->ops->pop_top && index > 0 &&
            instr[-1].kind == XT_KIND_END_FOR) {
            instr->kind = XT_KIND_END_FOR_POP;
        }
        for (; unit < instr->end; unit++) {
            at_unit[unit] = index;
        }
    }
    instrs->len = index;
    instrs->read_len = index;
    instrs->read_units = units;
    return XT_OK;
}

/* The instruction that starts at a code unit, or XT_NONE. */
static uint32_t
starts_at(const xt_instrs *instrs, int64_t unit)
{
    if (unit < 0 || unit >= (int64_t)instrs->units) {
        return XT_NONE;
    }
    uint32_t index = instrs->at_unit[unit];
    return instrs->items[index].start == unit ? index : XT_NONE;
}

static xt_status
find_targets(xt_instrs *instrs, const xt_opcodes *ops)
{
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        xt_instr *instr = &instrs->items[instrs->jumps[i]];
        bool back = ops->traits[instr->op].jump == XT_JUMP_BACK;
        int64_t distance = instr->oparg;
        instr->target = starts_at(instrs, back ? instr->end - distance
                                               : instr->end + distance);
        if (instr->target == XT_NONE) {
            return XT_CORRUPT;
        }
        if (back && instr->target > instrs->jumps[i]) {
            return XT_UNSUPPORTED; /* no distance: to what comes next */
        }
    }
    return XT_OK;
}

/* Gives each instruction its entry of the location table: that of its first
   code unit. There is room for an entry per code unit; none covers less. */
static xt_status
read_places(xt_instrs *instrs, const xt_code_view *view)
{
    xt_location_reader reader;
    xt_location_start(&reader, view->locations, view->locations_len,
                      view->first_line);
    xt_instr *next = instrs->items; /* whose entry is looked for */
    const xt_instr *end = next + instrs->len;
    instrs->places_len = 0;
    while (next < end) {
        xt_location_entry *place = &instrs->places[instrs->places_len];
        bool more;
        xt_status status = xt_location_next(&reader, place, &more);
        if (status != XT_OK || !more) {
            return XT_CORRUPT;
        }
        uint32_t index = (uint32_t)instrs->places_len++;
        int32_t line = place->has_line ? place->line : -1;
        for (; next < end && next->start < place->end; next++) {
            next->place = index;
            next->line = line;
        }
    }
    return XT_OK;
}

static xt_status
check_handlers(const xt_instrs *instrs)
{
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        const xt_exctable_range *range = &instrs->handlers.ranges[i];
        bool ends = range->end == instrs->units ||
                    starts_at(instrs, range->end) != XT_NONE;
        if (!ends || starts_at(instrs, range->start) == XT_NONE ||
            starts_at(instrs, range->target) == XT_NONE) {
            return XT_CORRUPT;
        }
    }
    return XT_OK;
}

xt_status
xt_instrs_read(xt_instrs *instrs, const xt_code_view *view)
{
    if (view->code_len < 2 || view->code_len % 2 != 0 ||
        view->code_len / 2 > INT32_MAX) {
        return XT_CORRUPT;
    }
    xt_status status = reserve(instrs, view->code_len / 2);
    if (status == XT_OK) {
        status = read_code(instrs, view);
    }
    if (status == XT_OK) {
        status = find_targets(instrs, view->ops);
    }
    if (status == XT_OK) {
        status = read_places(instrs, view);
    }
    if (status == XT_OK) {
        status = xt_exctable_read(&instrs->handlers, view->exceptions,
                                  view->exceptions_len);
    }
    return status == XT_OK ? check_handlers(instrs) : status;
}

const xt_exctable_range *
xt_instrs_find_range(const xt_instrs *instrs, uint32_t at)
{
    uint32_t unit = instrs->items[xt_instrs_origin(instrs, at)].start;
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        const xt_exctable_range *range = &instrs->handlers.ranges[i];
        if (unit >= range->start && unit < range->end) {
            return range;
        }
    }
    return NULL;
}

uint32_t
xt_instrs_find_handler(const xt_instrs *instrs, uint32_t at)
{
    const xt_exctable_range *range = xt_instrs_find_range(instrs, at);
    return range == NULL ? XT_NONE : instrs->at_unit[range->target];
}

void
xt_instr_write(xt_buf *out, const xt_opcodes *ops, uint8_t op, uint32_t oparg,
               uint32_t units)
{
    unsigned char *at = (unsigned char *)out->bytes + out->len;
    uint32_t caches = ops->traits[op].caches;
    for (uint32_t i = units - caches - 1; i > 0; i--) {
        *at++ = ops->extended_arg;
        *at++ = (unsigned char)(oparg >> (8 * i));
    }
    *at++ = op;
    *at++ = (unsigned char)oparg;
    memset(at, 0, 2 * (size_t)caches);
    out->len += 2 * (size_t)units;
}

/* 0 stands for an opcode or number that this version does not have. */
static bool
is(uint32_t number, uint8_t wanted)
{
    return wanted != 0 && number == wanted;
}

xt_constant
xt_constant_of(const xt_opcodes *ops, const xt_instr *instr)
{
    if (instr->op == ops->load_const || is(instr->op, ops->return_const)) {
        return XT_CONSTANT_LISTED;
    }
    if (is(instr->op, ops->load_small_int)) {
        return XT_CONSTANT_INT;
    }
    if (is(instr->op, ops->load_common_constant)) {
        if (is(instr->oparg, ops->common_none)) {
            return XT_CONSTANT_NONE;
        }
        if (is(instr->oparg, ops->common_true)) {
            return XT_CONSTANT_TRUE;
        }
        if (is(instr->oparg, ops->common_false)) {
            return XT_CONSTANT_FALSE;
        }
    }
    return XT_CONSTANT_NONE_SUCH;
}
