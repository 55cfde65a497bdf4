// SPDX-License-Identifier: Apache-2.0
#include "sides.h"

#include "branch.h"
#include "harvest.h"
#include "keptcode.h"
#include "mem.h"
#include "outcomes.h"

static void
side_counts_free(side_counts *counts)
{
    xt_instrs_fini(&counts->instrs);
    if (!counts->kept) {
        xt_free(counts->started);
    }
    xt_free(counts);
}

static void
place_counters(side_counts *counts, uint64_t *all)
{
    size_t len = counts->instrs.len;
    counts->started = all;
    counts->taken = all + 1;
    counts->fell = counts->taken + len;
    counts->handled = counts->fell + len;
}

static side_counts *
side_counts_new(TracerObject *tracer, PyCodeObject *code)
{
    side_counts *counts = xt_malloc(sizeof(*counts));
    if (counts == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *counts = (side_counts){0};
    if (outcomes_read(code, &counts->instrs) < 0) {
        side_counts_free(counts);
        return NULL;
    }
    size_t len = counts->instrs.len;
    uint64_t *all = tracer->kept == NULL
                        ? NULL
                        : keptcode_sides(tracer->kept, code, (uint32_t)len);
    counts->kept = all != NULL;
    if (all == NULL) {
        all = xt_malloc((3 * len + 1) * sizeof(*all));
        if (all == NULL) {
            side_counts_free(counts);
            PyErr_NoMemory();
            return NULL;
        }
        memset(all, 0, (3 * len + 1) * sizeof(*all));
    }
    place_counters(counts, all);
    return counts;
}

/* What a tracer has of the code, made on first sight. NULL without an
   exception: it does not want it. */
static side_counts *
find_counts(TracerObject *tracer, const code_entry *entry)
{
    if ((tracer->mode & TRACER_BRANCHES) == 0 ||
        !harvest_wants(tracer, entry)) {
        return NULL;
    }
    side_counts *counts = xt_ptrmap_get(&tracer->sides, entry);
    if (counts != NULL) {
        return counts;
    }
    counts = side_counts_new(tracer, entry->original);
    if (counts != NULL &&
        xt_ptrmap_set(&tracer->sides, entry, counts) != XT_OK) {
        side_counts_free(counts);
        PyErr_NoMemory();
        return NULL;
    }
    return counts;
}

/* The instruction at a code unit, or XT_NONE. */
static uint32_t
instr_at(const xt_instrs *instrs, Py_ssize_t unit)
{
    return unit < 0 || unit >= (Py_ssize_t)instrs->units
               ? XT_NONE
               : instrs->at_unit[unit];
}

int
sides_started(EngineObject *engine, code_entry *entry)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        side_counts *counts = find_counts(engine->sessions[i], entry);
        if (counts != NULL) {
            ++*counts->started;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* The instruction that decided, by where an event of a branch comes from. If
   a tool has INSTRUCTION events too, it comes, from 3.14 on, from NOT_TAKEN or
   POP_ITER behind that. */
static uint32_t
find_decision(const xt_instrs *instrs, Py_ssize_t from)
{
    uint32_t at = instr_at(instrs, from);
    if (at == XT_NONE || at == 0) {
        return at;
    }
    if (instrs->items[at].kind == XT_KIND_NOT_TAKEN) {
        return at - 1;
    }
    if (instrs->items[at].kind != XT_KIND_POP_ITER) {
        return at;
    }
    uint32_t loop = at;
    while (loop > 0 && (instrs->items[loop].kind != XT_KIND_FOR_ITER ||
                        instrs->items[loop].target != at - 1)) {
        loop--;
    }
    return loop > 0 ? loop : at;
}

/* Counts which way a conditional jump or the head of a loop went, or that an
   `async for` has another item. */
static void
count_side(side_counts *counts, Py_ssize_t from, Py_ssize_t to)
{
    const xt_instrs *instrs = &counts->instrs;
    uint32_t at = find_decision(instrs, from);
    if (at == XT_NONE || at + 1 >= instrs->len ||
        !xt_branch_is_at(instrs, at)) {
        return;
    }
    const xt_instr *next = &instrs->items[at + 1];
    uint32_t end = next->kind == XT_KIND_NOT_TAKEN ? next->end : next->start;
    if (to <= (Py_ssize_t)end) {
        counts->fell[at]++;
    }
    /* From 3.14 on a POP_ITER reports the end of a loop even if a conditional
       jump leads to it, as that jump's event and besides it. */
    else if (instrs->items[at].kind == XT_KIND_FOR_ITER ||
             instr_at(instrs, to) == instrs->items[at].target) {
        counts->taken[at]++;
    }
}

int
sides_branched(EngineObject *engine, code_entry *entry, Py_ssize_t from,
               Py_ssize_t to)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        side_counts *counts = find_counts(engine->sessions[i], entry);
        if (counts != NULL) {
            count_side(counts, from, to);
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

bool
sides_has_steps(PyCodeObject *code)
{
    if (COMPAT_MINOR >= 14) {
        return false; /* there are better events; see find_decision() */
    }
    xt_instrs instrs = {0};
    bool found = false;
    if (code->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR) &&
        outcomes_read(code, &instrs) < 0) {
        PyErr_Clear(); /* nor can its sides be counted */
    }
    for (uint32_t i = 0; i < instrs.len && !found; i++) {
        found = instrs.items[i].kind == XT_KIND_END_SEND &&
                xt_branch_is_at(&instrs, i);
    }
    xt_instrs_fini(&instrs);
    return found;
}

int
sides_stepped(EngineObject *engine, code_entry *entry, Py_ssize_t unit)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        side_counts *counts = find_counts(engine->sessions[i], entry);
        if (counts == NULL) {
            continue;
        }
        uint32_t at = instr_at(&counts->instrs, unit);
        if (at != XT_NONE &&
            counts->instrs.items[at].kind == XT_KIND_END_SEND &&
            xt_branch_is_at(&counts->instrs, at)) {
            counts->fell[at]++;
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

static void
count_handler(side_counts *counts, Py_ssize_t unit, PyObject *exception)
{
    const xt_instrs *instrs = &counts->instrs;
    uint32_t at = instr_at(instrs, unit);
    if (at == XT_NONE) {
        return;
    }
    counts->handled[at]++;
    if (instrs->items[at].kind == XT_KIND_END_ASYNC_FOR &&
        PyErr_GivenExceptionMatches(exception, PyExc_StopAsyncIteration)) {
        counts->fell[at]++;
    }
}

int
sides_handled(EngineObject *engine, code_entry *entry, Py_ssize_t unit,
              PyObject *exception)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        side_counts *counts = find_counts(engine->sessions[i], entry);
        if (counts != NULL) {
            count_handler(counts, unit, exception);
        }
    }
    return PyErr_Occurred() ? -1 : 0;
}

int
sides_settle(TracerObject *tracer, const code_entry *entry)
{
    side_counts *counts = xt_ptrmap_get(&tracer->sides, entry);
    if (counts == NULL) {
        return 0;
    }
    xt_ptrmap_remove(&tracer->sides, entry);
    int result = outcomes_add_events(tracer, entry->original, counts);
    side_counts_free(counts);
    return result;
}

int
sides_harvest(TracerObject *tracer)
{
    /* To settle takes the entry out, and may move another to its place. What
       fails ends this, and the others stay. */
    const xt_ptrmap *all = &tracer->sides;
    size_t i = 0;
    while (all->entries != NULL && i <= all->mask) {
        if (all->entries[i].key == NULL) {
            i++;
        }
        else if (sides_settle(tracer, all->entries[i].key) < 0) {
            return -1;
        }
    }
    return 0;
}

void
sides_leave_file(TracerObject *tracer)
{
    /* What was counted is brought in; what is counted later begins anew. */
    if (sides_harvest(tracer) < 0) {
        (void)session_keep_trouble(tracer);
    }
}

void
sides_forget(TracerObject *tracer)
{
    xt_ptrmap *all = &tracer->sides;
    for (size_t i = 0; all->entries != NULL && i <= all->mask; i++) {
        if (all->entries[i].key != NULL) {
            side_counts_free(all->entries[i].value);
        }
    }
    xt_ptrmap_fini(all);
}
