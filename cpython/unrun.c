// SPDX-License-Identifier: Apache-2.0
#include "unrun.h"

#include <string.h>

#include "frame.h"
#include "outcomes.h"

/* Whether the code unit may be that of an instruction that loads a counter.
   Those for events of lines stand for any. */
static bool
may_load(const xt_opcodes *ops, PyCodeObject *code, Py_ssize_t unit)
{
    uint16_t word;
    memcpy(&word, frame_code_start(code) + unit, sizeof(word));
    uint8_t base = ops->base[(uint8_t)word];
    return base == 0 || base == ops->load_const || base == ops->extended_arg;
}

/* The counter that a probe begins with, borrowed; NULL if none does there. */
static const CounterObject *
find_counter(const ProbedCodeObject *probed, PyCodeObject *code,
             const xt_instrs *instrs, size_t at)
{
    const xt_opcodes *ops = instrs->ops; /* NULL if nothing was read */
    if (at >= instrs->len || at + 1 == instrs->len ||
        instrs->items[at].op != ops->load_const ||
        (instrs->items[at + 1].op != ops->unary_negative &&
         instrs->items[at + 1].op != ops->unary_invert) ||
        instrs->items[at].oparg >= PyTuple_GET_SIZE(code->co_consts)) {
        return NULL;
    }
    PyObject *item =
        PyTuple_GET_ITEM(code->co_consts, instrs->items[at].oparg);
    return Py_IS_TYPE(item, probed->types->pool.type)
               ? (const CounterObject *)item
               : NULL;
}

/* Whether the counter at an instruction is that of a probe which is not fused:
   then all of it was inserted. */
static bool
is_plain(const ProbedCodeObject *probed, const xt_instrs *instrs, size_t at)
{
    return (xt_unitmap_find(&probed->map, instrs->items[at].start) &
            XT_REWRITE_INSERTED) != 0;
}

/* Reads the code if a probe may begin at this code unit; its instruction, or
   XT_NONE. */
static uint32_t
read_at(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit,
        xt_instrs *instrs)
{
    const xt_opcodes *ops = xt_opcodes_for(COMPAT_MINOR);
    if (unit < 0 || unit >= (Py_ssize_t)probed->map.units ||
        !may_load(ops, code, unit)) {
        return XT_NONE;
    }
    if (outcomes_read(code, instrs) < 0) {
        PyErr_Clear(); /* out of memory: it counts one less */
        return XT_NONE;
    }
    uint32_t at =
        (size_t)unit < instrs->units ? instrs->at_unit[unit] : XT_NONE;
    bool begins = at != XT_NONE && instrs->items[at].start == (uint32_t)unit;
    return begins ? at : XT_NONE;
}

void
unrun_add(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit,
          int64_t number)
{
    enum { PROBE = 3 }; /* instructions of one that is not fused */
    xt_instrs instrs = {0};
    size_t at = read_at(probed, code, unit, &instrs);
    const CounterObject *counter = find_counter(probed, code, &instrs, at);
    while (counter != NULL) {
        *counter->slot += (uint64_t)number;
        bool plain = is_plain(probed, &instrs, at);
        at += PROBE;
        counter = plain ? find_counter(probed, code, &instrs, at) : NULL;
    }
    xt_instrs_fini(&instrs);
}

void
unrun_pass(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit)
{
    xt_instrs instrs = {0};
    size_t at = read_at(probed, code, unit, &instrs);
    const CounterObject *counter = find_counter(probed, code, &instrs, at);
    if (counter != NULL && !is_plain(probed, &instrs, at)) {
        --*counter->slot;
    }
    xt_instrs_fini(&instrs);
}
