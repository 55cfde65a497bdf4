// SPDX-License-Identifier: Apache-2.0
#include "rewrite.h"

#include <string.h>

#include "mem.h"

enum { UNITS_MAX = 1 << 24 };

/* The landing begins with a NOP. */
enum { LANDING_NOP = 1 };

/* The chains of probes at an instruction, each a number in first_of; that of
   the fused ones has one at most. */
enum { CHAIN_FALL, CHAIN_LABEL, CHAIN_TRAMPOLINE, CHAIN_FUSED, CHAINS };

void
xt_rewrite_fini(xt_rewrite *rewrite)
{
    xt_buf_fini(&rewrite->code);
    xt_buf_fini(&rewrite->exceptions);
    xt_buf_fini(&rewrite->locations.table);
    xt_free(rewrite->old_unit);
    xt_free(rewrite->has_probes);
    xt_free(rewrite->first_of);
    xt_free(rewrite->next);
    xt_free(rewrite->chain_units);
    xt_free(rewrite->label);
    xt_free(rewrite->width);
    xt_free(rewrite->detour);
    *rewrite = (xt_rewrite){0};
}

/* What all steps look at. */
typedef struct {
    xt_rewrite *out;
    const xt_instrs *instrs;
    const xt_code_view *view;
    const xt_opcodes *ops;
    const xt_probe *probes;
    size_t probes_len;
    uint32_t first_const;
    uint32_t landing;
} rewriting;

static xt_status
renew_numbers(uint32_t **numbers, size_t *cap, size_t need)
{
    uint32_t *made = xt_renew(*numbers, cap, need, sizeof(**numbers));
    if (made == NULL) {
        return XT_NOMEM;
    }
    *numbers = made;
    return XT_OK;
}

static uint32_t
load_units(const rewriting *job, uint32_t counter)
{
    return xt_instr_units(job->ops, job->ops->load_const,
                          job->first_const + counter);
}

/* A fused probe has at least the code units of what it stands for, which may
   have had more EXTENDED_ARGs than it needed. */
static uint32_t
fused_load_units(const rewriting *job, const xt_probe *probe)
{
    const xt_instr *instr = &job->instrs->items[probe->at];
    uint32_t before = instr->end - instr->start;
    uint32_t need = load_units(job, probe->counter);
    return need < before ? before : need;
}

/* A counter is loaded and negated; what it gives is dropped, used or returned.
 */
static uint32_t
probe_units(const rewriting *job, const xt_probe *probe)
{
    if (probe->where != XT_PROBE_FUSED) {
        return load_units(job, probe->counter) + 2;
    }
    bool returned = job->instrs->items[probe->at].kind == XT_KIND_RETURN;
    return fused_load_units(job, probe) + (returned ? 2 : 1);
}

/* The instruction that counts. CPython 3.14 has a shorter way to invert than
   to negate, and a shorter one yet where no reference is taken (counter.h). */
static uint8_t
counting_op(const rewriting *job, const xt_probe *probe)
{
    enum { SHORTER_SINCE = 14 };
    const xt_opcodes *ops = job->ops;
    bool immortal = probe->where != XT_PROBE_FUSED ||
                    xt_constant_of(ops, &job->instrs->items[probe->at]) !=
                        XT_CONSTANT_LISTED;
    return ops->minor >= SHORTER_SINCE && immortal ? ops->unary_invert
                                                   : ops->unary_negative;
}

/* The instruction that drops what a plain probe gives, which is None. CPython
   3.14 has a shorter way than POP_TOP, that is for None only, and that the
   interpreter has for frames of its own. */
static uint8_t
dropping_op(const xt_opcodes *ops)
{
    enum { SHORTER_ON = 14 };
    return ops->minor == SHORTER_ON ? ops->exit_init_check : ops->pop_top;
}

static xt_status
reserve(const rewriting *job)
{
    xt_rewrite *out = job->out;
    size_t len = job->instrs->len;
    bool *has_probes =
        xt_renew(out->has_probes, &out->has_probes_cap, len, sizeof(bool));
    if (has_probes == NULL) {
        return XT_NOMEM;
    }
    out->has_probes = has_probes;
    if (renew_numbers(&out->first_of, &out->first_of_cap, CHAINS * len) ||
        renew_numbers(&out->chain_units, &out->chain_units_cap,
                      CHAINS * len) ||
        renew_numbers(&out->next, &out->next_cap, job->probes_len) ||
        renew_numbers(&out->label, &out->label_cap, len + 1) ||
        renew_numbers(&out->width, &out->width_cap, len) ||
        renew_numbers(&out->detour, &out->detour_cap, len)) {
        return XT_NOMEM;
    }
    return XT_OK;
}

/* Gives an instruction chains, without probes. */
static void
add_chains(xt_rewrite *out, uint32_t at)
{
    out->has_probes[at] = true;
    for (size_t chain = 0; chain < CHAINS; chain++) {
        out->first_of[CHAINS * at + chain] = XT_NONE;
        out->chain_units[CHAINS * at + chain] = 0;
    }
}

static void
chain_probes(const rewriting *job)
{
    xt_rewrite *out = job->out;
    memset(out->has_probes, 0, job->instrs->len * sizeof(bool));
    out->has_trampolines = false;
    for (size_t i = job->probes_len; i-- > 0;) {
        static const unsigned chain_of[] = {
            [XT_PROBE_FALL] = CHAIN_FALL,
            [XT_PROBE_LABEL] = CHAIN_LABEL,
            [XT_PROBE_BEFORE] = CHAIN_LABEL,
            [XT_PROBE_TRAMPOLINE] = CHAIN_TRAMPOLINE,
            [XT_PROBE_FUSED] = CHAIN_FUSED,
        };
        const xt_probe *probe = &job->probes[i];
        if (!out->has_probes[probe->at]) {
            add_chains(out, probe->at);
        }
        size_t chain = CHAINS * probe->at + chain_of[probe->where];
        out->next[i] = out->first_of[chain];
        out->first_of[chain] = (uint32_t)i;
        out->chain_units[chain] += probe_units(job, probe);
        out->has_trampolines =
            out->has_trampolines || probe->where == XT_PROBE_TRAMPOLINE;
    }
}

static uint32_t
first_probe(const rewriting *job, uint32_t at, unsigned chain)
{
    const xt_rewrite *out = job->out;
    return out->has_probes[at] ? out->first_of[CHAINS * at + chain] : XT_NONE;
}

static uint32_t
chain_units(const rewriting *job, uint32_t at, unsigned chain)
{
    const xt_rewrite *out = job->out;
    return out->has_probes[at] ? out->chain_units[CHAINS * at + chain] : 0;
}

static bool
has_trampoline(const rewriting *job, uint32_t at)
{
    return first_probe(job, at, CHAIN_TRAMPOLINE) != XT_NONE;
}

/* How many of the jumps have to be looked at for trampolines. */
static size_t
jumps_with_trampolines(const rewriting *job)
{
    return job->out->has_trampolines ? job->instrs->jumps_len : 0;
}

/* How many code units a jump back needs that starts at one code unit and goes
   to another. */
static uint32_t
jump_back_units(const rewriting *job, uint32_t start, uint32_t target)
{
    uint8_t op = job->ops->jump_backward_no_interrupt;
    uint32_t width = 1;
    for (;;) {
        uint32_t need = xt_instr_units(job->ops, op, start + width - target);
        if (need <= width) {
            return width;
        }
        width = need;
    }
}

static uint32_t
instr_start(const rewriting *job, uint32_t at)
{
    return job->out->label[at] + chain_units(job, at, CHAIN_LABEL);
}

/* Where the jump at the end of a trampoline starts. */
static uint32_t
trampoline_jump(const rewriting *job, uint32_t at)
{
    return job->out->detour[at] + chain_units(job, at, CHAIN_TRAMPOLINE);
}

static uint32_t
trampoline_target(const rewriting *job, uint32_t at)
{
    return job->out->label[job->instrs->items[at].target];
}

/* Where the landing leads: behind the first RESUME. */
static uint32_t
landing_target(const rewriting *job)
{
    return instr_start(job, job->landing) + job->out->width[job->landing];
}

/* Lays everything out with the present widths of instructions. */
static uint32_t
lay_out(const rewriting *job)
{
    xt_rewrite *out = job->out;
    uint32_t len = (uint32_t)job->instrs->len;
    uint32_t unit = 0;
    for (uint32_t i = 0; i < len; i++) {
        unit += chain_units(job, i, CHAIN_FALL);
        out->label[i] = unit;
        unit += chain_units(job, i, CHAIN_LABEL) + out->width[i];
    }
    out->label[len] = unit;
    for (size_t i = 0; i < jumps_with_trampolines(job); i++) {
        uint32_t at = job->instrs->jumps[i];
        if (has_trampoline(job, at)) {
            out->detour[at] = unit;
            unit += chain_units(job, at, CHAIN_TRAMPOLINE);
            unit += jump_back_units(job, unit, trampoline_target(job, at));
        }
    }
    out->landing = unit;
    unit += LANDING_NOP;
    return unit + jump_back_units(job, unit, landing_target(job));
}

/* The argument of an instruction where it stands now. */
static uint32_t
new_oparg(const rewriting *job, uint32_t at)
{
    const xt_rewrite *out = job->out;
    const xt_instr *instr = &job->instrs->items[at];
    if (instr->target == XT_NONE) {
        return instr->oparg;
    }
    uint32_t end = instr_start(job, at) + out->width[at];
    uint32_t target =
        has_trampoline(job, at) ? out->detour[at] : out->label[instr->target];
    return target < end ? end - target : target - end;
}

/* Widens jumps until every argument fits: widths only grow, so this ends. */
static uint32_t
fit_jumps(const rewriting *job)
{
    xt_rewrite *out = job->out;
    for (uint32_t i = 0; i < job->instrs->len; i++) {
        const xt_instr *instr = &job->instrs->items[i];
        uint32_t fused = chain_units(job, i, CHAIN_FUSED);
        out->width[i] = fused > 0 ? fused : instr->end - instr->start;
    }
    for (;;) {
        uint32_t units = lay_out(job);
        bool fits = true;
        for (size_t i = 0; i < job->instrs->jumps_len; i++) {
            uint32_t at = job->instrs->jumps[i];
            uint32_t need = xt_instr_units(job->ops, job->instrs->items[at].op,
                                           new_oparg(job, at));
            if (need > out->width[at]) {
                out->width[at] = need;
                fits = false;
            }
        }
        if (fits) {
            return units;
        }
    }
}

/* Writes the entries of the location table that were put off. */
static xt_status
flush_places(const rewriting *job)
{
    static const xt_location nowhere = {.has_line = false};
    xt_rewrite *out = job->out;
    uint32_t place = out->pending_place;
    size_t units = out->pending_units;
    out->pending_units = 0;
    if (place == XT_NONE) {
        return xt_location_write(&out->locations, &nowhere, units);
    }
    return xt_location_write_entry(&out->locations,
                                   &job->instrs->places[place], units);
}

/* Gives the next code units a place: XT_NONE for none. */
static xt_status
put_place(const rewriting *job, uint32_t place, uint32_t units)
{
    xt_rewrite *out = job->out;
    if (place != out->pending_place) {
        if (flush_places(job) != XT_OK) {
            return XT_NOMEM;
        }
        out->pending_place = place;
    }
    out->pending_units += units;
    return XT_OK;
}

/* Gives the next code units the places that those from `start` to `end` have
   in the original; `place` is that of the first. */
static xt_status
put_places(const rewriting *job, uint32_t place, uint32_t start, uint32_t end)
{
    xt_rewrite *out = job->out;
    const xt_location_entry *places = job->instrs->places;
    const xt_location_entry *first = &places[place];
    const xt_location_entry *last = first;
    /* What follows the entry of the last instruction was not read. */
    while (last->end < end && last + 1 < places + job->instrs->places_len) {
        last++;
    }
    if (last == first) {
        return put_place(job, place, end - start);
    }
    if (put_place(job, place, first->end - start) != XT_OK ||
        flush_places(job) != XT_OK ||
        xt_location_write_entries(&out->locations, first + 1,
                                  (size_t)(last - first) - 1) != XT_OK) {
        return XT_NOMEM;
    }
    out->pending_place = place + (uint32_t)(last - first);
    out->pending_units = end - last[-1].end;
    return XT_OK;
}

static void
note_units(const rewriting *job, uint32_t units, uint32_t old)
{
    xt_rewrite *out = job->out;
    for (uint32_t i = 0; i < units; i++) {
        out->old_unit[out->units++] = old;
    }
}

/* Writes the probes of a chain, which stand for instruction `next`. */
static xt_status
put_probes(const rewriting *job, uint32_t at, unsigned chain, uint32_t next)
{
    const xt_opcodes *ops = job->ops;
    const xt_instr *behind = &job->instrs->items[next];
    for (uint32_t i = first_probe(job, at, chain); i != XT_NONE;
         i = job->out->next[i]) {
        const xt_probe *probe = &job->probes[i];
        uint32_t units = probe_units(job, probe);
        bool nowhere = probe->fires && probe->where != XT_PROBE_BEFORE;
        if (put_place(job, nowhere ? XT_NONE : behind->place, units) !=
            XT_OK) {
            return XT_NOMEM;
        }
        xt_instr_write(&job->out->code, ops, ops->load_const,
                       job->first_const + probe->counter, units - 2);
        xt_instr_write(&job->out->code, ops, counting_op(job, probe), 0, 1);
        xt_instr_write(&job->out->code, ops, dropping_op(ops), 0, 1);
        note_units(job, units, behind->start | XT_REWRITE_INSERTED);
    }
    return XT_OK;
}

/* A jump, which may have a new argument and width: in one that was widened,
   the old code units are the last ones, and those in front are ours. */
static xt_status
put_jump(const rewriting *job, uint32_t at)
{
    xt_rewrite *out = job->out;
    const xt_instr *instr = &job->instrs->items[at];
    uint32_t width = out->width[at];
    xt_instr_write(&out->code, job->ops, instr->op, new_oparg(job, at), width);
    uint32_t old_width = instr->end - instr->start;
    uint32_t inserted = instr->added ? XT_REWRITE_INSERTED : 0;
    note_units(job, width - old_width, instr->start | XT_REWRITE_INSERTED);
    for (uint32_t unit = instr->start; unit < instr->end; unit++) {
        note_units(job, 1, unit | inserted);
    }
    return put_place(job, instr->place, width);
}

/* A counter in place of a constant. */
static xt_status
put_fused(const rewriting *job, uint32_t at)
{
    xt_rewrite *out = job->out;
    const xt_opcodes *ops = job->ops;
    const xt_instr *instr = &job->instrs->items[at];
    const xt_probe *probe = &job->probes[first_probe(job, at, CHAIN_FUSED)];
    uint32_t units = fused_load_units(job, probe);
    uint32_t old_units = instr->end - instr->start;
    xt_instr_write(&out->code, ops, ops->load_const,
                   job->first_const + probe->counter, units);
    xt_instr_write(&out->code, ops, counting_op(job, probe), 0, 1);
    if (instr->kind == XT_KIND_RETURN) {
        xt_instr_write(&out->code, ops, ops->return_value, 0, 1);
    }
    note_units(job, units - old_units, instr->start);
    for (uint32_t unit = instr->start; unit < instr->end; unit++) {
        note_units(job, 1, unit);
    }
    note_units(job, out->width[at] - units,
               instr->start | XT_REWRITE_INSERTED);
    return put_place(job, instr->place, out->width[at]);
}

/* Writes the instruction `at` and those behind it that stand as they stood and
   have no probes; *next becomes the one behind them. */
static xt_status
put_run(const rewriting *job, uint32_t at, uint32_t *next)
{
    xt_rewrite *out = job->out;
    const xt_instr *items = job->instrs->items;
    uint32_t last = at;
    while (last + 1 < job->instrs->len && !out->has_probes[last + 1] &&
           items[last + 1].target == XT_NONE && !items[last + 1].added) {
        last++;
    }
    uint32_t start = items[at].start;
    uint32_t units = items[last].end - start;
    uint32_t origin = items[xt_instrs_origin(job->instrs, at)].start;
    memcpy(out->code.bytes + out->code.len, job->view->code + 2 * origin,
           2 * (size_t)units);
    out->code.len += 2 * (size_t)units;
    for (uint32_t i = 0; i < units; i++) {
        out->old_unit[out->units + i] = start + i;
    }
    out->units += units;
    *next = last + 1;
    return put_places(job, items[at].place, origin, origin + units);
}

/* What stands in front of a copy, where nothing leads. */
static xt_status
put_front(const rewriting *job, uint32_t at)
{
    const xt_instr *instr = &job->instrs->items[at];
    xt_instr_write(&job->out->code, job->ops, instr->op, 0, 1);
    note_units(job, 1, instr->start | XT_REWRITE_INSERTED);
    return put_place(job, instr->place, 1);
}

static xt_status
put_instr(const rewriting *job, uint32_t at, uint32_t *next)
{
    *next = at + 1;
    if (job->instrs->items[at].target != XT_NONE) {
        return put_jump(job, at);
    }
    if (chain_units(job, at, CHAIN_FUSED) > 0) {
        return put_fused(job, at);
    }
    if (job->instrs->items[at].added) {
        return put_front(job, at);
    }
    return put_run(job, at, next);
}

/* Writes a jump back, which stands for the original's code unit `old`. */
static xt_status
put_jump_back(const rewriting *job, uint32_t start, uint32_t target,
              uint32_t place, uint32_t old)
{
    uint32_t width = jump_back_units(job, start, target);
    xt_instr_write(&job->out->code, job->ops,
                   job->ops->jump_backward_no_interrupt,
                   start + width - target, width);
    note_units(job, width, old | XT_REWRITE_INSERTED);
    return put_place(job, place, width);
}

static xt_status
put_trampoline(const rewriting *job, uint32_t at)
{
    uint32_t target = job->instrs->items[at].target;
    xt_status status = put_probes(job, at, CHAIN_TRAMPOLINE, target);
    if (status != XT_OK) {
        return status;
    }
    uint32_t last = first_probe(job, at, CHAIN_TRAMPOLINE);
    uint32_t place = job->instrs->items[target].place;
    return put_jump_back(job, trampoline_jump(job, at),
                         trampoline_target(job, at),
                         job->probes[last].fires ? XT_NONE : place,
                         job->instrs->items[target].start);
}

static xt_status
put_landing(const rewriting *job)
{
    const xt_instr *resume = &job->instrs->items[job->landing];
    xt_instr_write(&job->out->code, job->ops, job->ops->nop, 0, LANDING_NOP);
    note_units(job, LANDING_NOP, resume->start | XT_REWRITE_INSERTED);
    if (put_place(job, resume->place, LANDING_NOP) != XT_OK) {
        return XT_NOMEM;
    }
    return put_jump_back(job, job->out->landing + LANDING_NOP,
                         landing_target(job), XT_NONE, resume->start);
}

static uint32_t
before_fall_probes(const rewriting *job, uint32_t at)
{
    uint32_t unit = job->out->label[at];
    return at == job->instrs->len ? unit
                                  : unit - chain_units(job, at, CHAIN_FALL);
}

/* Writes a range of the exception table for the instructions from `start` to
   `end`. */
static xt_status
put_range(const rewriting *job, const xt_exctable_range *old, uint32_t start,
          uint32_t end)
{
    const xt_exctable_range range = {
        .start = before_fall_probes(job, start),
        .end = before_fall_probes(job, end),
        .target = job->out->label[job->instrs->at_unit[old->target]],
        .depth = old->depth,
    };
    return xt_exctable_write(&job->out->exceptions, &range);
}

static xt_status
put_exceptions_of_copies(const rewriting *job)
{
    const xt_instrs *instrs = job->instrs;
    const xt_exctable_range *range = NULL;
    uint32_t start = 0;
    for (uint32_t i = (uint32_t)instrs->read_len; i <= instrs->len; i++) {
        bool within =
            i < instrs->len && instrs->items[i].kind != XT_KIND_SILENT_JUMP;
        const xt_exctable_range *now =
            within ? xt_instrs_find_range(instrs, i) : NULL;
        if (now != range) {
            if (range != NULL && put_range(job, range, start, i) != XT_OK) {
                return XT_NOMEM;
            }
            range = now;
            start = i;
        }
    }
    return XT_OK;
}

static xt_status
put_exceptions(const rewriting *job)
{
    const xt_instrs *instrs = job->instrs;
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        xt_exctable_range range = instrs->handlers.ranges[i];
        uint32_t start = instrs->at_unit[range.start];
        uint32_t end = range.end == instrs->read_units
                           ? (uint32_t)instrs->read_len
                           : instrs->at_unit[range.end];
        if (put_range(job, &range, start, end) != XT_OK) {
            return XT_NOMEM;
        }
    }
    return put_exceptions_of_copies(job);
}

static xt_status
put_code(const rewriting *job)
{
    uint32_t len = (uint32_t)job->instrs->len;
    xt_status status = XT_OK;
    for (uint32_t i = 0, next; i < len && status == XT_OK; i = next) {
        next = i + 1;
        if (chain_units(job, i, CHAIN_FALL) > 0) {
            status = put_probes(job, i, CHAIN_FALL, i);
        }
        if (status == XT_OK && chain_units(job, i, CHAIN_LABEL) > 0) {
            status = put_probes(job, i, CHAIN_LABEL, i);
        }
        if (status == XT_OK) {
            status = put_instr(job, i, &next);
        }
    }
    for (size_t i = 0; i < jumps_with_trampolines(job) && status == XT_OK;
         i++) {
        if (has_trampoline(job, job->instrs->jumps[i])) {
            status = put_trampoline(job, job->instrs->jumps[i]);
        }
    }
    if (status == XT_OK) {
        status = put_landing(job);
    }
    return status == XT_OK ? flush_places(job) : status;
}

xt_status
xt_rewrite_build(xt_rewrite *rewrite, const xt_instrs *instrs,
                 const xt_code_view *view, const xt_probe *probes,
                 size_t probes_len, uint32_t first_const, uint32_t landing)
{
    const rewriting job = {
        .out = rewrite,
        .instrs = instrs,
        .view = view,
        .ops = view->ops,
        .probes = probes,
        .probes_len = probes_len,
        .first_const = first_const,
        .landing = landing,
    };
    rewrite->code.len = 0;
    rewrite->exceptions.len = 0;
    rewrite->locations.table.len = 0;
    rewrite->locations.line = view->first_line;
    rewrite->units = 0;
    rewrite->pending_place = XT_NONE;
    rewrite->pending_units = 0;
    if (reserve(&job) != XT_OK) {
        return XT_NOMEM;
    }
    chain_probes(&job);
    uint32_t units = fit_jumps(&job);
    if (units > UNITS_MAX) {
        return XT_UNSUPPORTED;
    }
    if (renew_numbers(&rewrite->old_unit, &rewrite->old_unit_cap, units) ||
        xt_buf_reserve(&rewrite->code, 2 * (size_t)units) != XT_OK) {
        return XT_NOMEM;
    }
    xt_status status = put_code(&job);
    return status == XT_OK ? put_exceptions(&job) : status;
}
