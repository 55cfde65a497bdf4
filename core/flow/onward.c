// SPDX-License-Identifier: Apache-2.0
#include "onward.h"

#include "mem.h"

enum {
    MINOR_313 = 13, /* before it, a line may be reported again after a call */
    MINOR_314 = 14, /* since then, NOT_TAKEN tells of jumps not taken */
};

void
xt_onward_fini(xt_onward_steps *steps)
{
    xt_free(steps->items);
    *steps = (xt_onward_steps){0};
}

/* An instruction. */
typedef struct {
    uint32_t end; /* behind its caches */
    uint32_t oparg;
    uint8_t kind; /* xt_opcode_kind; XT_KIND_EXTENDED_ARG: the code ends */
    uint8_t jump; /* xt_opcode_jump */
} step;

/* Goes over instructions that lead to the next one, up to one that begins at
   `end` or behind, or that has to be looked at: returns where that begins. */
static inline uint32_t
pass_plain(const xt_onward *way, uint32_t unit, uint32_t end)
{
    const uint8_t *plain = way->view.ops->plain;
    const unsigned char *code = way->view.code;
    uint32_t units = 1;
    while (unit < end && units != 0) {
        units = plain[code[2 * unit]];
        unit += units;
    }
    return unit;
}

static step
read_step(const xt_onward *way, uint32_t unit)
{
    const xt_opcodes *ops = way->view.ops;
    const unsigned char *code = way->view.code;
    uint32_t oparg = 0;
    while (code[2 * unit] == ops->extended_arg && unit + 1 < way->units) {
        oparg = (oparg | code[2 * unit + 1]) << 8;
        unit++;
    }
    const xt_opcode_traits *traits = &ops->traits[ops->base[code[2 * unit]]];
    return (step){
        .end = unit + 1 + traits->caches,
        .oparg = oparg | code[2 * unit + 1],
        .kind = traits->kind,
        .jump = traits->jump,
    };
}

/* Whether events tell both ways of a branch that ends at a code unit, and
   from where they lead, one from the other. */
static bool
is_told(const xt_onward *way, step branch)
{
    const xt_opcodes *ops = way->view.ops;
    uint32_t fall = branch.end;
    bool told = ops->minor >= MINOR_313 && branch.oparg > 1 &&
                branch.oparg < way->units - fall;
    return told && (ops->minor < MINOR_314 ||
                    read_step(way, fall).kind == XT_KIND_NOT_TAKEN);
}

/* Whether frames go onward only, from a code unit to the end of the code. */
static xt_status
check(xt_onward *way, uint32_t unit)
{
    unit = pass_plain(way, unit, way->units);
    bool ended = false;
    for (; unit < way->units; unit = pass_plain(way, unit, way->units)) {
        step next = read_step(way, unit);
        if (next.end > way->units || next.kind == XT_KIND_EXTENDED_ARG) {
            return XT_CORRUPT;
        }
        unit = next.end;
        switch ((xt_opcode_kind)next.kind) {
        case XT_KIND_PLAIN:
        case XT_KIND_CALL:
        case XT_KIND_NOT_TAKEN:
            continue;
        case XT_KIND_RETURN:
        case XT_KIND_RAISE:
            ended = unit == way->units;
            continue;
        case XT_KIND_JUMP:
            if (next.jump != XT_JUMP_AHEAD ||
                next.oparg >= way->units - unit) {
                return XT_UNSUPPORTED;
            }
            continue;
        case XT_KIND_BRANCH:
            if (next.jump != XT_JUMP_AHEAD || unit == way->units ||
                !is_told(way, next)) {
                return XT_UNSUPPORTED;
            }
            way->branches = true;
            continue;
        default:
            return XT_UNSUPPORTED;
        }
    }
    return ended ? XT_OK : XT_UNSUPPORTED;
}

xt_status
xt_onward_start(xt_onward *way, xt_onward_steps *steps,
                const xt_code_view *view, bool branches)
{
    *way = (xt_onward){
        .view = *view,
        .units = (uint32_t)(view->code_len / 2),
        .taken = XT_NONE,
        .line = -1,
        .here = -1,
        .straight = !branches || view->ops->minor < MINOR_313,
    };
    xt_location_start(&way->places, view->locations, view->locations_len,
                      view->first_line);
    return view->exceptions_len > 0 ? XT_UNSUPPORTED
                                    : xt_onward_read(way, steps);
}

/* Room for as many steps as there can be. */
static xt_status
reserve(xt_onward_steps *steps, size_t units)
{
    xt_onward_step *items =
        xt_renew(steps->items, &steps->cap, units, sizeof(*items));
    if (items == NULL) {
        return XT_NOMEM;
    }
    steps->items = items;
    return XT_OK;
}

/* Finds the line of the next instruction. */
static inline xt_status
find_line(xt_onward *way)
{
    while (way->places.unit <= way->unit) {
        bool more;
        if (xt_location_next_line(&way->places, &way->here, &more) != XT_OK ||
            !more) {
            return XT_CORRUPT;
        }
    }
    return XT_OK;
}

/* What comes behind the instruction that is at a code unit. */
static xt_status
follow(xt_onward *way, uint32_t unit, step next)
{
    switch ((xt_opcode_kind)next.kind) {
    case XT_KIND_PLAIN:
    case XT_KIND_CALL:
    case XT_KIND_NOT_TAKEN:
        return XT_OK;
    case XT_KIND_RESUME:
        if (way->traceable) {
            return XT_UNSUPPORTED;
        }
        way->traceable = true;
        way->start = way->unit;
        return XT_OK;
    case XT_KIND_RETURN:
    case XT_KIND_RAISE:
        way->unit = way->units;
        way->left = true;
        return way->traceable ? XT_OK : XT_UNSUPPORTED;
    case XT_KIND_JUMP:
    case XT_KIND_BRANCH:
        break;
    default:
        return XT_UNSUPPORTED;
    }
    if (way->straight || !way->traceable) {
        return XT_UNSUPPORTED;
    }
    if (!way->checked) {
        xt_status status = check(way, unit);
        if (status != XT_OK) {
            return status;
        }
        way->checked = true;
    }
    if (next.kind == XT_KIND_JUMP) {
        way->unit += next.oparg;
    }
    else {
        way->taken = way->unit + next.oparg;
    }
    return XT_OK;
}

/* The rules of lines.c, where no handler leads anywhere and no jump back: an
   event wherever the line changes, from the instruction behind RESUME on. */
xt_status
xt_onward_read(xt_onward *way, xt_onward_steps *steps)
{
    steps->len = 0;
    way->taken = XT_NONE;
    if (reserve(steps, way->units) != XT_OK) {
        return XT_NOMEM;
    }
    while (way->unit < way->units && way->taken == XT_NONE) {
        if (find_line(way) != XT_OK) {
            return XT_CORRUPT;
        }
        if (way->here != way->line && way->traceable) {
            way->line = way->here;
            steps->items[steps->len] = (xt_onward_step){way->unit, way->here};
            steps->len += way->here >= 0;
        }
        uint32_t end =
            way->places.unit < way->units ? way->places.unit : way->units;
        uint32_t unit =
            way->traceable ? pass_plain(way, way->unit, end) : way->unit;
        way->unit = unit;
        if (unit < end) {
            step next = read_step(way, unit);
            way->unit = next.end;
            xt_status status =
                next.end > way->units || next.kind == XT_KIND_EXTENDED_ARG
                    ? XT_CORRUPT
                    : follow(way, unit, next);
            if (status != XT_OK) {
                return status;
            }
        }
    }
    if (way->left || way->taken != XT_NONE) {
        return XT_OK;
    }
    return way->unit > way->units ? XT_CORRUPT : XT_UNSUPPORTED;
}

bool
xt_onward_turn(xt_onward *way, uint32_t unit)
{
    if (way->taken == XT_NONE) {
        return false;
    }
    if (unit == way->taken) {
        way->unit = unit;
        return true;
    }
    /* The event of NOT_TAKEN leads behind it. */
    return unit == way->unit ||
           (way->view.ops->minor >= MINOR_314 && unit == way->unit + 1);
}
