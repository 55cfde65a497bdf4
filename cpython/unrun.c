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

/* Reads a LOAD_CONST in front of what counts: the number of its constant, or
   -1. */
static Py_ssize_t
read_load(const running_code *code, const ProbedCodeObject *probed,
          Py_ssize_t unit)
{
    const xt_opcodes *ops = code->ops;
    Py_ssize_t at = unit;
    uint32_t oparg = 0;
    while (opcode_at(code, at) == ops->extended_arg) {
        oparg = (oparg | code->bytes[2 * at + 1]) << 8;
        at++;
    }
    if (opcode_at(code, at) != ops->load_const) {
        return -1;
    }
    oparg |= code->bytes[2 * at + 1];
    uint8_t next = opcode_at(code, at + 1);
    bool counts = next == ops->unary_negative || next == ops->unary_invert;
    return counts && are_together(probed, unit, at) ? (Py_ssize_t)oparg : -1;
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

/* The number of the constant that a probe loads at a code unit, or -1. What
   events hide is looked up in a copy of the code, which is kept with it. */
static Py_ssize_t
find_load(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t unit)
{
    if (unit < 0) {
        return -1;
    }
    running_code running = read_running(probed, code);
    if (opcode_at(&running, unit) != 0) {
        return read_load(&running, probed, unit);
    }
    PyObject *shown = PyCode_GetCode(code);
    if (shown == NULL) {
        PyErr_Clear(); /* one line's count is off by one, at most; nobody asks
                          while an exception is on its way */
        return -1;
    }
    running.bytes = (const unsigned char *)PyBytes_AS_STRING(shown);
    Py_ssize_t number = read_load(&running, probed, unit);
    Py_DECREF(shown);
    return number;
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
    Py_ssize_t number = find_load(probed, code, unit);
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
