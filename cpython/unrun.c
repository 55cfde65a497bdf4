// SPDX-License-Identifier: Apache-2.0
#include "unrun.h"

#include "frame.h"

/* What runs in a code object. */
typedef struct {
    const xt_opcodes *ops;
    const unsigned char *bytes; /* borrowed: two for each code unit */
    Py_ssize_t units;
} running_code;

/* The opcode of a code unit as the compiler, or we, wrote it; 0 for one that
   stands for any, as that for events of lines does, and behind the end. */
static uint8_t
opcode_at(const running_code *code, Py_ssize_t unit)
{
    return unit < code->units ? code->ops->base[code->bytes[2 * unit]] : 0;
}

static bool
counts_at(const running_code *code, Py_ssize_t unit)
{
    uint8_t op = opcode_at(code, unit);
    return op == code->ops->unary_negative || op == code->ops->unary_invert;
}

/* Whether two code units are of one instruction, and not one of the program's
   and one of ours in front of the next. */
static bool
are_together(const ProbedCodeObject *probed, Py_ssize_t one, Py_ssize_t other)
{
    uint32_t differ = xt_unitmap_find(&probed->map, (uint32_t)one) ^
                      xt_unitmap_find(&probed->map, (uint32_t)other);
    return (differ & XT_REWRITE_INSERTED) == 0 &&
           probed_point_at(probed, one) == probed_point_at(probed, other);
}

/* Reads a LOAD_CONST in front of what counts, whose first code unit may be
   hidden by an event: the number of its constant, or -1. */
static Py_ssize_t
read_load(const running_code *code, const ProbedCodeObject *probed,
          Py_ssize_t unit)
{
    enum { UNITS_MOST = 4 };
    uint32_t oparg = 0;
    for (Py_ssize_t at = unit; at < unit + UNITS_MOST; at++) {
        uint8_t op = opcode_at(code, at);
        bool hidden = op == 0 && at == unit && at < code->units;
        bool loads =
            op == code->ops->load_const || (hidden && counts_at(code, at + 1));
        bool extends = op == code->ops->extended_arg || (hidden && !loads);
        if (!loads && !extends) {
            return -1;
        }
        oparg = oparg << 8 | code->bytes[2 * at + 1];
        if (loads) {
            return counts_at(code, at + 1) && are_together(probed, unit, at)
                       ? (Py_ssize_t)oparg
                       : -1;
        }
    }
    return -1;
}

static running_code
read_running(const ProbedCodeObject *probed, PyCodeObject *code)
{
    return (running_code){
        .ops = xt_opcodes_for(COMPAT_MINOR),
        .bytes = (const unsigned char *)frame_code_start(code),
        .units = (Py_ssize_t)probed->map.units,
    };
}

bool
unrun_may_find(const ProbedCodeObject *probed, PyCodeObject *code,
               Py_ssize_t unit)
{
    const running_code running = read_running(probed, code);
    uint8_t op = unit < 0 ? running.ops->nop : opcode_at(&running, unit);
    return op == 0 || op == running.ops->load_const ||
           op == running.ops->extended_arg;
}

CounterObject *
unrun_find(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit)
{
    const running_code running = read_running(probed, code);
    Py_ssize_t number = unit < 0 ? -1 : read_load(&running, probed, unit);
    if (number < 0 || number >= PyTuple_GET_SIZE(code->co_consts)) {
        return NULL;
    }
    PyObject *item = PyTuple_GET_ITEM(code->co_consts, number);
    return Py_IS_TYPE(item, probed->types->pool.type) ? (CounterObject *)item
                                                      : NULL;
}

CounterObject *
unrun_find_fused(const ProbedCodeObject *probed, PyCodeObject *code,
                 Py_ssize_t unit)
{
    CounterObject *counter = unrun_find(probed, code, unit);
    bool inserted =
        counter != NULL && (xt_unitmap_find(&probed->map, (uint32_t)unit) &
                            XT_REWRITE_INSERTED) != 0;
    return inserted ? NULL : counter;
}
