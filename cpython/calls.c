// SPDX-License-Identifier: Apache-2.0
#include "calls.h"

#include <opcode.h>

/* Whether a frame is at its start, and not on its way again: at the RESUME
   whose argument says so (Doc/library/dis.rst). */
static bool
is_at_start(PyFrameObject *frame, PyCodeObject *code)
{
    int at = PyFrame_GetLasti(frame);
    PyObject *bytecode = PyCode_GetCode(code);
    if (bytecode == NULL) {
        PyErr_Clear();
        return false;
    }
    const unsigned char *unit =
        (const unsigned char *)PyBytes_AS_STRING(bytecode) + at;
    bool start = at >= 0 && unit[0] == RESUME && (unit[1] & 3) == 0;
    Py_DECREF(bytecode);
    return start;
}

static int
note_pair(TracerObject *self, PyFrameObject *frame, PyFrameObject *back)
{
    PyCodeObject *code = PyFrame_GetCode(frame);
    recent_call call = {
        .caller = back == NULL ? NULL : PyFrame_GetCode(back),
        .callee = code,
        .calls = self->mode & TRACER_CALLS && is_at_start(frame, code),
    };
    int result = 0;
    if (!session_trusts_cache(self, code) ||
        !functions_hit(&self->functions, call.caller, code, call.calls)) {
        PyObject *globals = PyFrame_GetGlobals(frame);
        PyObject *caller_globals =
            back == NULL ? NULL : PyFrame_GetGlobals(back);
        bool wanted;
        result =
            session_note_call(self, call, globals, caller_globals, &wanted);
        Py_DECREF(globals);
        Py_XDECREF(caller_globals);
    }
    Py_XDECREF(call.caller);
    Py_DECREF(code);
    return result;
}

int
calls_note(TracerObject *self, PyFrameObject *frame)
{
    if ((self->mode & TRACER_ANY_CALLS) == 0 || self->tool >= 0 ||
        session_waits(self)) {
        return 0;
    }
    PyFrameObject *back = NULL;
    if (self->mode & (TRACER_CALLERS | TRACER_CALLS)) {
        back = PyFrame_GetBack(frame);
        if (back != NULL && functions_is_outer(&self->functions, back)) {
            Py_CLEAR(back);
        }
    }
    int result = note_pair(self, frame, back);
    Py_XDECREF(back);
    return result < 0 ? session_keep_trouble(self) : 0;
}
