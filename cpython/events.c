// SPDX-License-Identifier: Apache-2.0
#include "events.h"

#include "frame.h"
#include "osr.h"
#include "sides.h"

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

int
events_line_of_jump(PyObject *const *args)
{
    PyCodeObject *code = (PyCodeObject *)args[0];
    int from = (int)PyLong_AsLong(args[1]);
    int to = (int)PyLong_AsLong(args[2]);
    int line = to >= from ? -1 : PyCode_Addr2Line(code, from);
    return line >= 0 && line == PyCode_Addr2Line(code, to) ? line : -1;
}

/* Other jumps are seen by the lines that they lead to. */
PyObject *
events_jumped(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (!engine_is_about_code(args, nargs, 3)) {
        Py_RETURN_NONE;
    }
    int line = events_line_of_jump(args);
    if (line < 0) {
        return Py_NewRef(self->disable);
    }
    if (hit(self, (PyCodeObject *)args[0], line) < 0) {
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
    PyCodeObject *code = (PyCodeObject *)args[0];
    Py_ssize_t from = PyLong_AsSsize_t(args[1]) / 2;
    Py_ssize_t to = PyLong_AsSsize_t(args[2]) / 2;
    int result = 0;
    if (self->branches) {
        code_entry *entry = registry_get(&self->registry, code);
        result = entry == NULL ? 0 : sides_branched(self, entry, from, to);
    }
    else {
        frame_head *frame = frame_top(PyThreadState_Get());
        result = frame == NULL
                     ? 0
                     : firstruns_branched(self, frame, code, (uint32_t)from,
                                          (uint32_t)to);
        if (result > 0) {
            result = osr_move(self, frame, code, (uint32_t)from);
        }
    }
    if (result < 0 && engine_keep_trouble(self) < 0) {
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

PyObject *
events_returned(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    const frame_head *frame = frame_top(PyThreadState_Get());
    if (engine_is_about_code(args, nargs, 3) && frame != NULL &&
        firstruns_returned(self, frame, (PyCodeObject *)args[0]) < 0 &&
        engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
