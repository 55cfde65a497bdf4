// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include "frame.h"
#include "sides.h"

/* --- Exceptions in rewritten code --------------------------------------- */

static PyObject *
raised_in_original(EngineObject *self, PyCodeObject *code,
                   PyObject *const *args, bool again)
{
    frame_head *frame = frame_top(PyThreadState_Get());
    if (frame != NULL && frame_code(frame) == code &&
        bodies_raised(self, frame, code) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    code_entry *entry =
        self->branches ? registry_get(&self->registry, code) : NULL;
    if (entry != NULL && entry->by_events &&
        sides_raised(self, entry, PyLong_AsSsize_t(args[1]) / 2, again,
                     args[2]) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
on_raise(EngineObject *self, PyObject *const *args, Py_ssize_t nargs,
         bool again)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    PyCodeObject *code = (PyCodeObject *)args[0];
    ProbedCodeObject *probed = probed_get(&self->types, code);
    if (probed == NULL) {
        return raised_in_original(self, code, args, again);
    }
    frame_head *frame = frame_top(PyThreadState_Get());
    Py_ssize_t stands = frame != NULL && frame_code(frame) == code
                            ? frame_offset(frame, code)
                            : -1;
    Py_ssize_t offset = PyLong_AsSsize_t(args[1]) / 2;
    if (probed_note_raise(probed, offset, stands, again, args[2]) < 0) {
        PyErr_NoMemory();
        if (engine_keep_trouble(self) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

PyObject *
events_raised(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return on_raise(self, args, nargs, false);
}

PyObject *
events_raised_again(EngineObject *self, PyObject *const *args,
                    Py_ssize_t nargs)
{
    return on_raise(self, args, nargs, true);
}

/* --- Counting by events -------------------------------------------------- */

/* Counts a line for the tracers that want it in the running frame: one code
   object may run with several modules' globals. */
static int
hit(EngineObject *self, PyCodeObject *code, int line)
{
    frame_head *frame = frame_top(PyThreadState_Get());
    if (frame == NULL || frame_code(frame) != code) {
        return 0;
    }
    int result = 0;
    for (size_t i = 0; i < self->sessions_len && result == 0; i++) {
        TracerObject *tracer = self->sessions[i];
        PyObject *module;
        if (session_judge(tracer, frame->globals, &module) < 0) {
            result = session_keep_trouble(tracer);
        }
        else if (module != NULL) {
            traced_file *file = files_get(&tracer->files, code->co_filename);
            if (file == NULL || files_hit(&tracer->files, file, line) < 0) {
                result = session_keep_trouble(tracer);
            }
        }
    }
    return result;
}

PyObject *
events_line(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 2)) {
        Py_RETURN_NONE;
    }
    int line = (int)PyLong_AsLong(args[1]);
    if (hit(self, (PyCodeObject *)args[0], line) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* A jump back within one line is an event of that line; other jumps are seen
   by the lines that they lead to. */
PyObject *
events_jumped(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    PyCodeObject *code = (PyCodeObject *)args[0];
    int from = (int)PyLong_AsLong(args[1]);
    int to = (int)PyLong_AsLong(args[2]);
    int line = to >= from ? -1 : PyCode_Addr2Line(code, from);
    if (line < 0 || line != PyCode_Addr2Line(code, to)) {
        return Py_NewRef(self->disable);
    }
    if (hit(self, code, line) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
events_branched(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    code_entry *entry = registry_get(&self->registry, (PyCodeObject *)args[0]);
    if (entry != NULL &&
        sides_branched(self, entry, PyLong_AsSsize_t(args[1]) / 2,
                       PyLong_AsSsize_t(args[2]) / 2) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
events_stepped(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 2)) {
        Py_RETURN_NONE;
    }
    code_entry *entry = registry_get(&self->registry, (PyCodeObject *)args[0]);
    if (entry != NULL &&
        sides_stepped(self, entry, PyLong_AsSsize_t(args[1]) / 2) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
