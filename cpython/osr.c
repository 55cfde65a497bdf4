// SPDX-License-Identifier: Apache-2.0
#include "osr.h"

#include "adopt.h"
#include "branch.h"
#include "monitoring.h"
#include "outcomes.h"
#include "sweep.h"
#include "tracebacks.h"

/* The code unit of the rewritten code for an opcode of the original, or
   XT_NONE. */
static uint32_t
unit_of_opcode(const ProbedCodeObject *probed, uint32_t opcode)
{
    uint32_t unit = probed->map.units;
    while (unit > 0 && probed->old_unit[unit - 1] != opcode) {
        unit--;
    }
    return unit > 0 ? unit - 1 : XT_NONE;
}

/* Where control goes on in rewritten code behind the branch that is the
   original's code unit `branch`: to where that jumps (`taken`) or to the next
   instruction. XT_NONE if there is no such branch, or if out of memory. */
static uint32_t
find_way(const code_entry *entry, uint32_t branch, bool taken)
{
    ProbedCodeObject *probed = entry->probed;
    if (branch >= probed->map.old_units || probed_need_breaks(probed) < 0) {
        return XT_NONE;
    }
    uint32_t unit = unit_of_opcode(
        probed, probed->points[probed->point_at[branch]].opcode);
    xt_instrs instrs = {0};
    uint32_t way = XT_NONE;
    if (outcomes_read(entry->code, &instrs) < 0) {
        PyErr_Clear(); /* it goes on by events */
    }
    if (unit < instrs.units) {
        const xt_instr *jump = &instrs.items[instrs.at_unit[unit]];
        if (xt_branch_jumps(jump)) {
            way = taken ? instrs.items[jump->target].start : jump->end;
        }
    }
    xt_instrs_fini(&instrs);
    return way;
}

/* The same for any opcode: a jump back may have become one to a copy of its
   loop, which only stands for it. */
static uint32_t
unit_for_opcode(const ProbedCodeObject *probed, uint32_t opcode)
{
    uint32_t unit = unit_of_opcode(probed, opcode);
    return unit == XT_NONE
               ? unit_of_opcode(probed, opcode | XT_REWRITE_INSERTED)
               : unit;
}

/* A traceback says by an offset where its frame stood, and only when it is
   asked for what line that is. */
static void
move_traceback(PyTracebackObject *entry, const void *arg)
{
    const ProbedCodeObject *probed = arg;
    if (entry->tb_lasti < 0) {
        return;
    }
    uint32_t before = (uint32_t)entry->tb_lasti / 2;
    if (before < probed->map.old_units) {
        uint32_t unit = unit_for_opcode(
            probed, probed->points[probed->point_at[before]].opcode);
        entry->tb_lasti = unit == XT_NONE ? entry->tb_lasti : 2 * (int)unit;
    }
}

/* 1 if the frame goes on in the rewritten code, which there is, else 0. -1
   with an exception. */
static int
move(EngineObject *self, frame_head *frame, code_entry *entry, uint32_t branch,
     bool taken)
{
    uint32_t unit = find_way(entry, branch, taken);
    if (adopt_prepare(self, entry) < 0) {
        return -1;
    }
    if (unit == XT_NONE ||
        !frame_switch_code(frame, entry->original,
                           frame_offset(frame, entry->original), entry->code,
                           unit)) {
        return 0;
    }
    probed_note_joined(entry->probed, branch);
    if (frame->object != NULL) {
        tracebacks_of(frame->object, move_traceback, entry->probed);
    }
    return 1;
}

/* Whether a body is run to import its module: whatever loops it has, they will
   hardly go round so often that copies of them are worth it. */
static bool
is_of_import(const frame_head *frame, PyCodeObject *code)
{
    PyObject *name = PyDict_GetItemString(frame->globals, "__name__");
    bool is_program = name != NULL && PyUnicode_Check(name) &&
                      PyUnicode_CompareWithASCIIString(name, "__main__") == 0;
    return sweep_is_body(code) && !is_program;
}

int
osr_move(EngineObject *self, frame_head *frame, PyCodeObject *code,
         uint32_t branch)
{
    bool taken;
    /* A trace function of the program would miss the line that it goes on
       with: as the frame stands there already, it looks as if it had not come
       from another. */
    if (self->sessions_len == 0 || adopt_refuse(self) != NULL ||
        self->onlookers.active || PyThreadState_Get()->c_tracefunc != NULL ||
        !firstruns_has_turned(self, frame, code, &taken)) {
        return 0;
    }
    code_entry *entry = registry_add(
        &self->registry, &self->types, code, NULL, false,
        is_of_import(frame, code) ? XT_UNROLL_NESTED : XT_UNROLL_ALL);
    if (entry == NULL) {
        return -1;
    }
    adopt_note_file(self, entry, frame->globals);
    /* A function gets the code when it is called again: that may call audit
       hooks, and this is no place for the program to run. */
    int moved =
        entry->code == NULL ? 0 : move(self, frame, entry, branch, taken);
    if (moved < 0) {
        return -1;
    }
    /* All up to the branch is counted, and where it stands is still there: it
       has had nothing of the way from there on, even if that comes by here
       again. */
    firstruns_forget(self, frame);
    if (moved == 0) {
        if (adopt_by_events(self, entry) < 0) {
            return -1;
        }
        sweep_weaken_original(self, entry);
        return 0;
    }
    if (monitoring_switch_code(self->monitoring, self->tool, code, 0) < 0) {
        return -1;
    }
    sweep_weaken(self, entry);
    return 0;
}
