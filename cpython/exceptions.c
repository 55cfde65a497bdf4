// SPDX-License-Identifier: Apache-2.0
#include "exceptions.h"

#include "exits.h"
#include "frame.h"
#include "sides.h"

static Py_ssize_t
unit_of(PyObject *const *args)
{
    const PyLongObject *offset = (const PyLongObject *)args[1];
    bool compact =
        PyLong_CheckExact(args[1]) && PyUnstable_Long_IsCompact(offset);
    return (compact ? PyUnstable_Long_CompactValue(offset)
                    : PyLong_AsSsize_t(args[1])) /
           2;
}

/* The frame that runs this code, which an event has come for; or NULL. */
static frame_head *
frame_running(PyCodeObject *code)
{
    frame_head *frame = frame_top(PyThreadState_Get());
    return frame != NULL && frame_code(frame) == code ? frame : NULL;
}

static PyObject *
out_of_memory(EngineObject *self)
{
    PyErr_NoMemory();
    if (engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* In code that is not rewritten: what it counts otherwise is told. */
static PyObject *
left_original(EngineObject *self, PyCodeObject *code, PyObject *const *args,
              bool handled)
{
    frame_head *frame = frame_running(code);
    int result = 0;
    if (frame != NULL) {
        result = handled ? firstruns_handled(self, frame, code, unit_of(args))
                         : firstruns_raised(self, frame, code);
        if (fewcalls_interrupted(self, frame, code,
                                 handled ? unit_of(args) : -1) < 0) {
            result = -1;
        }
    }
    if (result < 0 && engine_keep_trouble(self) < 0) {
        return NULL;
    }
    code_entry *entry =
        handled && self->branches ? registry_get(&self->registry, code) : NULL;
    if (entry != NULL && entry->by_events &&
        sides_handled(self, entry, unit_of(args), args[2]) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
left(EngineObject *self, PyObject *const *args, Py_ssize_t nargs, bool handled)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    PyCodeObject *code = (PyCodeObject *)args[0];
    ProbedCodeObject *probed = probed_get(&self->types, code);
    if (probed == NULL) {
        return left_original(self, code, args, handled);
    }
    frame_head *frame = frame_running(code);
    if (frame == NULL) {
        Py_RETURN_NONE;
    }
    bool thrown = announced_take(&self->announced, frame);
    if (exits_note(probed, code, frame_offset(frame, code),
                   handled ? unit_of(args) : -1, thrown) < 0) {
        return out_of_memory(self);
    }
    Py_RETURN_NONE;
}

PyObject *
exceptions_handled(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return left(self, args, nargs, true);
}

PyObject *
exceptions_unwound(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return left(self, args, nargs, false);
}

PyObject *
exceptions_thrown(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    PyCodeObject *code = (PyCodeObject *)args[0];
    const frame_head *frame =
        probed_get(&self->types, code) == NULL ? NULL : frame_running(code);
    if (frame != NULL && announced_add(&self->announced, frame) < 0) {
        return out_of_memory(self);
    }
    Py_RETURN_NONE;
}
