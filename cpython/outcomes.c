// SPDX-License-Identifier: Apache-2.0
#include "outcomes.h"

#include "bitset.h"
#include "branch.h"
#include "compat.h"

static int
add_call(TracerObject *tracer, PyCodeObject *code, int64_t count)
{
    if (count == 0 || tracer->mode & TRACER_CALLS) {
        return 0; /* it may only have been made, or have run before; or calls
                     are counted one by one, with their callers */
    }
    return functions_add(tracer->calls, functions_entered(code), count);
}

static PyObject *
number_or_none(int64_t number)
{
    return number < 0 ? Py_NewRef(Py_None) : PyLong_FromLongLong(number);
}

/* The key of a branch: the place of an instruction. */
static PyObject *
branch_key(PyCodeObject *code, const xt_location *place, const char *kind)
{
    return Py_BuildValue(
        "(O(NNNN)s)", code->co_filename, number_or_none(place->line),
        number_or_none(place->end_line), number_or_none(place->column),
        number_or_none(place->end_column), kind);
}

/* Adds to one outcome; others of the branch begin at 0, so that a side which
   was never taken shows. */
static int
add_outcome(PyObject *branches, PyCodeObject *code, const xt_location *place,
            xt_branch_kind kind, bool outcome, int64_t count)
{
    PyObject *key = branch_key(code, place, xt_branch_names[kind]);
    if (key == NULL) {
        return -1;
    }
    PyObject *sides = PyDict_GetItemWithError(branches, key);
    if (sides == NULL && !PyErr_Occurred()) {
        sides = kind == XT_BRANCH_EXCEPT
                    ? Py_BuildValue("{Oi}", Py_True, 0)
                    : Py_BuildValue("{OiOi}", Py_True, 0, Py_False, 0);
        if (sides != NULL) {
            int set = PyDict_SetItem(branches, key, sides);
            Py_DECREF(sides);
            sides = set < 0 ? NULL : sides;
        }
    }
    Py_DECREF(key);
    return sides == NULL
               ? -1
               : functions_add(sides, Py_NewRef(outcome ? Py_True : Py_False),
                               count);
}

int
outcomes_read(PyCodeObject *code, xt_instrs *instrs)
{
    PyObject *bytecode = PyCode_GetCode(code);
    if (bytecode == NULL) {
        return -1;
    }
    const xt_code_view view = probed_view(code, PyBytes_AS_STRING(bytecode));
    /* Code that cannot be read has no branches that we know of. */
    xt_status status =
        view.ops == NULL ? XT_UNSUPPORTED : xt_instrs_read(instrs, &view);
    Py_DECREF(bytecode);
    if (status == XT_NOMEM) {
        PyErr_NoMemory();
        return -1;
    }
    if (status != XT_OK) {
        instrs->len = 0;
        instrs->units = 0;
        instrs->handlers.len = 0;
    }
    return 0;
}

/* One side of the conditional jump or loop at an instruction. */
static int
add_side(PyObject *branches, PyCodeObject *code, const xt_instrs *instrs,
         uint32_t at, bool taken, int64_t count)
{
    const xt_instr *jump = &instrs->items[at];
    const xt_location place = xt_branch_place(instrs, at);
    if (!place.has_line || !xt_branch_is_answer(instrs, at, taken)) {
        return 0;
    }
    bool answer;
    xt_branch_kind kind =
        xt_branch_of(xt_opcodes_for(COMPAT_MINOR), jump, &answer);
    return add_outcome(branches, code, &place, kind, taken ? answer : !answer,
                       count);
}

static int
add_handler(PyObject *branches, PyCodeObject *code, const xt_instrs *instrs,
            uint32_t at, int64_t count)
{
    const xt_location place = xt_branch_handler_place(instrs, at);
    return place.has_line ? add_outcome(branches, code, &place,
                                        XT_BRANCH_EXCEPT, true, count)
                          : 0;
}

static int
add_class(TracerObject *tracer, PyCodeObject *code, const xt_instrs *instrs,
          const xt_plan_class *class, int64_t count)
{
    if (class->reraised) {
        uint32_t handler = xt_instrs_find_handler(instrs, class->origin);
        return add_handler(tracer->branches, code, instrs, handler, count);
    }
    return xt_branch_is_at(instrs, class->origin)
               ? add_side(tracer->branches, code, instrs, class->origin,
                          class->taken, count)
               : add_call(tracer, code, count);
}

/* Adds the handlers, each once: several ranges may have the same. */
static int
add_handlers(TracerObject *tracer, PyCodeObject *code, const xt_instrs *instrs,
             const int64_t *handled)
{
    xt_bitset seen = {0};
    int result = 0;
    for (size_t i = 0; i < instrs->handlers.len && result == 0; i++) {
        uint32_t at = instrs->at_unit[instrs->handlers.ranges[i].target];
        if (xt_bitset_has(&seen, at)) {
            continue;
        }
        if (xt_bitset_add(&seen, at) != XT_OK) {
            PyErr_NoMemory();
            result = -1;
            break;
        }
        result = add_handler(tracer->branches, code, instrs, at,
                             handled == NULL ? 0 : handled[at]);
    }
    xt_bitset_fini(&seen);
    return result;
}

int
outcomes_add(TracerObject *tracer, const code_entry *entry,
             outcome_counts counts)
{
    const xt_plan *plan = &entry->probed->plan;
    PyCodeObject *code = entry->original;
    xt_instrs instrs = {0};
    int result = outcomes_read(code, &instrs);
    for (size_t i = 0; i < plan->classes_len && result == 0; i++) {
        if (plan->classes[i].wanted) {
            result = add_class(tracer, code, &instrs, &plan->classes[i],
                               counts.classes[i]);
        }
    }
    if (result == 0) {
        result = add_handlers(tracer, code, &instrs, counts.handled);
    }
    xt_instrs_fini(&instrs);
    return result;
}

int
outcomes_add_events(TracerObject *tracer, PyCodeObject *code,
                    const side_counts *counts)
{
    const xt_instrs *instrs = &counts->instrs;
    int result = add_call(tracer, code, (int64_t)*counts->started);
    for (uint32_t i = 0; i < instrs->len && result == 0; i++) {
        if (!xt_branch_is_at(instrs, i) || !xt_branch_has_events(instrs, i)) {
            continue;
        }
        result = add_side(tracer->branches, code, instrs, i, true,
                          (int64_t)counts->taken[i]);
        if (result == 0) {
            result = add_side(tracer->branches, code, instrs, i, false,
                              (int64_t)counts->fell[i]);
        }
    }
    for (size_t i = 0; i < instrs->handlers.len && result == 0; i++) {
        uint32_t at = instrs->at_unit[instrs->handlers.ranges[i].target];
        uint64_t *handled = &counts->handled[at];
        result =
            add_handler(tracer->branches, code, instrs, at, (int64_t)*handled);
        *handled = 0; /* another range may have the same handler */
    }
    return result;
}

/* --- Branches of code that did not run ------------------------------------
 */

/* Adds those of a code object and of all within it, with no hits. */
static int
add_possible(PyObject *branches, PyCodeObject *code)
{
    xt_instrs instrs = {0};
    int result = outcomes_read(code, &instrs);
    for (uint32_t i = 0; i < instrs.len && result == 0; i++) {
        if (xt_branch_is_at(&instrs, i)) {
            result = add_side(branches, code, &instrs, i, true, 0);
        }
    }
    xt_instrs_fini(&instrs);
    Py_ssize_t len = PyTuple_GET_SIZE(code->co_consts);
    for (Py_ssize_t i = 0; i < len && result == 0; i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(item)) {
            result = add_possible(branches, (PyCodeObject *)item);
        }
    }
    return result;
}

PyDoc_STRVAR(
    possible_doc,
    "possible_branches(code, /)\n--\n\n"
    "The branches of a code object and of those within it, as in\n"
    "Tracer.branches, but without handlers, and with no hits. None at\n"
    "all where this version's bytecode is not known.");

static PyObject *
possible_branches(PyObject *Py_UNUSED(module), PyObject *code)
{
    if (!PyCode_Check(code)) {
        return PyErr_Format(PyExc_TypeError, "a code object, not %R", code);
    }
    PyObject *branches = PyDict_New();
    if (branches != NULL && add_possible(branches, (PyCodeObject *)code) < 0) {
        Py_CLEAR(branches);
    }
    return branches;
}

/* Where one side of a branch leads: (key, outcome, from line, to line). */
static PyObject *
new_step(PyCodeObject *code, const xt_instrs *instrs, uint32_t at, bool taken)
{
    const xt_instr *jump = &instrs->items[at];
    bool answer;
    xt_branch_kind kind =
        xt_branch_of(xt_opcodes_for(COMPAT_MINOR), jump, &answer);
    const xt_location place = xt_branch_place(instrs, at);
    PyObject *key = branch_key(code, &place, xt_branch_names[kind]);
    int32_t to = xt_branch_leads_to(instrs, at, taken);
    return key == NULL ? NULL
                       : Py_BuildValue(
                             "(NOii)", key,
                             taken == answer ? Py_True : Py_False, jump->line,
                             to == XT_LEADS_OUT ? -code->co_firstlineno : to);
}

static int
add_step(PyObject *steps, PyCodeObject *code, const xt_instrs *instrs,
         uint32_t at, bool taken)
{
    PyObject *step = new_step(code, instrs, at, taken);
    int result = step == NULL ? -1 : PyList_Append(steps, step);
    Py_XDECREF(step);
    return result;
}

static int
add_steps(PyObject *steps, PyCodeObject *code)
{
    xt_instrs instrs = {0};
    int result = outcomes_read(code, &instrs);
    for (uint32_t i = 0; i < instrs.len && result == 0; i++) {
        if (!xt_branch_is_at(&instrs, i) ||
            !xt_branch_place(&instrs, i).has_line) {
            continue;
        }
        result = xt_branch_is_answer(&instrs, i, false)
                     ? add_step(steps, code, &instrs, i, false)
                     : 0;
        if (result == 0 && xt_branch_jumps(&instrs.items[i])) {
            result = add_step(steps, code, &instrs, i, true);
        }
    }
    xt_instrs_fini(&instrs);
    Py_ssize_t len = PyTuple_GET_SIZE(code->co_consts);
    for (Py_ssize_t i = 0; i < len && result == 0; i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(item)) {
            result = add_steps(steps, (PyCodeObject *)item);
        }
    }
    return result;
}

PyDoc_STRVAR(
    steps_doc,
    "branch_steps(code, /)\n--\n\n"
    "Where the sides of branches lead, of a code object and of those within\n"
    "it: a list of (key, outcome, from, to), with keys as in\n"
    "possible_branches(). from is the line of the branch, to the first other\n"
    "line; minus the first line of the code object if it is left before;\n"
    "0 if something else is decided on the way, or an exception is raised.\n"
    "A branch can be there several times.");

static PyObject *
branch_steps(PyObject *Py_UNUSED(module), PyObject *code)
{
    if (!PyCode_Check(code)) {
        return PyErr_Format(PyExc_TypeError, "a code object, not %R", code);
    }
    PyObject *steps = PyList_New(0);
    if (steps != NULL && add_steps(steps, (PyCodeObject *)code) < 0) {
        Py_CLEAR(steps);
    }
    return steps;
}

PyMethodDef outcomes_methods[] = {
    {"possible_branches", possible_branches, METH_O, possible_doc},
    {"branch_steps", branch_steps, METH_O, steps_doc},
    {NULL, NULL, 0, NULL},
};
