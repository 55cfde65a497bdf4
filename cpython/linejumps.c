// SPDX-License-Identifier: Apache-2.0
#include "linejumps.h"

#include "adopt.h"
#include "fewcalls.h"
#include "firstruns.h"
#include "outcomes.h"
#include "unrun.h"

/* Code that is not rewritten and counted by what its frames are known to do is
   counted by events from here on. */
static int
leave_notes(EngineObject *engine, const frame_head *frame, PyCodeObject *code)
{
    bool noted =
        firstruns_follows(engine, frame, code) || fewcalls_knows(engine, code);
    return noted ? adopt_running(engine, code, frame->globals) : 0;
}

/* Where the flow has left the code: where the frame stands, or, if it is told
   of a jump back within one line, which is an event like that of another line,
   where that leads. XT_NONE if it stands nowhere, or if out of memory. */
static uint32_t
find_left(const ProbedCodeObject *probed, PyCodeObject *code,
          Py_ssize_t stands)
{
    enum { EVENT_JUMP = 7 }; /* Include/cpython/monitoring.h; 3.12 as well */
    uint32_t left = probed_point_at(probed, stands);
    if (left == XT_NONE || PyThreadState_Get()->what_event != EVENT_JUMP) {
        return left;
    }
    xt_instrs instrs = {0};
    if (outcomes_read(code, &instrs) < 0) {
        PyErr_Clear();
        left = XT_NONE;
    }
    if ((size_t)stands < instrs.units) {
        const xt_instr *instr = &instrs.items[instrs.at_unit[stands]];
        if (instr->kind == XT_KIND_JUMP) {
            left = probed_point_at(probed, instrs.items[instr->target].start);
        }
    }
    xt_instrs_fini(&instrs);
    return left;
}

int
linejumps_set(void *owner, const disguise_row *row, PyObject *frame,
              PyObject *value)
{
    EngineObject *engine = owner;
    const frame_head *head = frame_of((PyFrameObject *)frame);
    PyCodeObject *code = frame_code(head);
    ProbedCodeObject *probed =
        code == NULL ? NULL : probed_get(&engine->types, code);
    if (code == NULL || engine->sessions_len == 0) {
        return disguise_set_own(row, frame, value);
    }
    if (probed == NULL) {
        if (leave_notes(engine, head, code) < 0 &&
            engine_keep_trouble(engine) < 0) {
            return -1;
        }
        return disguise_set_own(row, frame, value);
    }
    Py_ssize_t stands = frame_offset(head, code);
    CounterObject *unrun = unrun_find(probed, code, stands);
    int result = disguise_set_own(row, frame, value);
    if (result == 0) {
        Py_ssize_t now = frame_offset(head, code);
        CounterObject *passed = unrun_find_fused(probed, code, now);
        if (unrun != NULL) {
            ++*unrun->slot;
        }
        if (passed != NULL) {
            --*passed->slot; /* it counts a way that the frame has not gone */
        }
        if (probed_note_jump(probed, find_left(probed, code, stands),
                             probed_point_at(probed, now)) < 0) {
            PyErr_NoMemory();
            result = engine_keep_trouble(engine);
        }
    }
    return result;
}
