// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

bool
frame_switch_code(frame_head *frame, PyCodeObject *original, Py_ssize_t offset,
                  PyCodeObject *code, uint32_t unit)
{
    PyThreadState *thread = PyThreadState_Get();
    int more = code->co_framesize - original->co_framesize;
    if (frame_code(frame) != original || more < 0 ||
        frame_offset(frame, original) != offset) {
        return false;
    }
    /* To grow, the frame must be the last on the stack: what a generator runs
       in is a part of the generator. */
    PyObject **end = (PyObject **)(void *)frame + original->co_framesize;
    if (more > 0 && (end != thread->datastack_top ||
                     thread->datastack_limit - end < (Py_ssize_t)more)) {
        return false;
    }
    thread->datastack_top += more;
    uintptr_t before = frame->executable;
    frame->executable = (uintptr_t)Py_NewRef(code);
    frame->instr = frame_code_start(code) + unit;
    if ((before & COMPAT_FRAME_TAGS) == 0) {
        Py_DECREF(original);
    }
    return true;
}
