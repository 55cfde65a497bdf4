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
    const xt_opcodes *ops = instrs->ops;
    if (at + 1 >= instrs->len || instrs->items[at].op != ops->load_const ||
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

void
unrun_add(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit,
          int64_t number)
{
    enum { PROBE = 3 }; /* instructions of one that is not fused */
    const xt_opcodes *ops = xt_opcodes_for(COMPAT_MINOR);
    if (unit < 0 || unit >= Py_SIZE(code) || !may_load(ops, code, unit)) {
        return;
    }
    xt_instrs instrs = {0};
    if (outcomes_read(code, &instrs) < 0) {
        PyErr_Clear(); /* out of memory: it counts one less */
    }
    size_t at = (size_t)unit < instrs.units ? instrs.at_unit[unit] : 0;
    bool begins = at < instrs.len && instrs.items[at].start == (size_t)unit;
    const CounterObject *counter =
        begins ? find_counter(probed, code, &instrs, at) : NULL;
    while (counter != NULL) {
        *counter->slot += (uint64_t)number;
        at += PROBE;
        bool plain =
            at < instrs.len && instrs.items[at - 1].op == ops->pop_top;
        counter = plain ? find_counter(probed, code, &instrs, at) : NULL;
    }
    xt_instrs_fini(&instrs);
}
