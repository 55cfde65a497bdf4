// SPDX-License-Identifier: Apache-2.0
#include "adopt.h"

#include "frame.h"
#include "harvest.h"
#include "keptcode.h"
#include "monitoring.h"
#include "sides.h"
#include "sweep.h"

/* --- What runs, and whether it is wanted -------------------------------- */

/* Whether any tracer wants code with these globals. Trouble is kept: -1 only
   for what is the program's own (an exception). */
static int
is_wanted(EngineObject *self, PyObject *globals)
{
    int wanted = 0;
    for (size_t i = 0; i < self->sessions_len; i++) {
        TracerObject *tracer = self->sessions[i];
        PyObject *module;
        if (session_judge(tracer, globals, &module) < 0) {
            if (session_keep_trouble(tracer) < 0) {
                return -1;
            }
        }
        wanted |= module != NULL;
    }
    return wanted;
}

void
adopt_note_file(const EngineObject *self, code_entry *entry, PyObject *globals)
{
    if (entry->file != NULL) {
        return;
    }
    if (session_file(self->sessions[0], globals, &entry->file) < 0) {
        PyErr_Clear(); /* the next run may tell */
    }
    if (self->registry.kept == NULL) {
        return;
    }
    for (size_t i = 0; i < self->sessions_len; i++) {
        const TracerObject *tracer = self->sessions[i];
        if (tracer->kept == self->registry.kept &&
            harvest_wants(tracer, entry)) {
            keptcode_want(tracer->kept, entry->probed);
        }
    }
}

bool
adopt_is_at_home(const EngineObject *self, const frame_head *frame,
                 PyObject *file)
{
    PyObject *found =
        PyDict_GetItem(frame->globals, self->sessions[0]->s_file);
    return found == file || (found != NULL && PyUnicode_CheckExact(found) &&
                             PyUnicode_Compare(found, file) == 0);
}

bool
adopt_is_plain(void)
{
    return _PyInterpreterState_GetEvalFrameFunc(PyInterpreterState_Get()) ==
           _PyEval_EvalFrameDefault;
}

int
adopt_by_events(EngineObject *self, code_entry *entry)
{
    if (entry->by_events) {
        return 0;
    }
    if (firstruns_leave(self, entry->original) < 0 ||
        fewcalls_leave(self, entry->original) < 0) {
        return -1;
    }
    entry->by_events = true;
    long events = self->line_events;
    if (self->branches && sides_has_steps(entry->original)) {
        events |= self->step_event;
    }
    return monitoring_switch_code(self->monitoring, self->tool,
                                  entry->original, events);
}

int
adopt_set_code(const EngineObject *self, PyObject *function,
               PyCodeObject *code)
{
    PyCodeObject *before = (PyCodeObject *)PyFunction_GET_CODE(function);
    uint32_t version = ((PyFunctionObject *)function)->func_version;
    Py_INCREF(before);
    Py_INCREF(code);
    int result = PyObject_SetAttr(function, self->s_code, (PyObject *)code);
    if (result == 0) {
        compat_renew_version(function, version, before, code);
    }
    Py_DECREF(before);
    Py_DECREF(code);
    return result;
}

/* Has later calls of the function that a frame runs run the rewritten code,
   which there is. Audit hooks may let other threads run meanwhile, and all
   sessions end: then it is undone, the entry is gone, and this returns 0. Else
   1; -1 with an exception. */
static int
replace_code(const EngineObject *self, const frame_head *frame,
             code_entry *entry)
{
    PyObject *function = frame_untag(frame->function);
    if (function == NULL || !PyFunction_Check(function) ||
        PyFunction_GET_CODE(function) != (PyObject *)entry->original ||
        (entry->original->co_flags & CO_OPTIMIZED) == 0) {
        return 1;
    }
    uint64_t endings = self->endings;
    PyObject *original = Py_NewRef((PyObject *)entry->original);
    PyObject *code = Py_NewRef((PyObject *)entry->code);
    int result = adopt_set_code(self, function, entry->code) < 0 ? -1 : 1;
    if (self->endings != endings) {
        if (PyFunction_GET_CODE(function) == code) {
            result = adopt_set_code(self, function, (PyCodeObject *)original);
        }
        result = result < 0 ? -1 : 0;
    }
    Py_DECREF(original);
    Py_DECREF(code);
    return result;
}

/* Whether only we get events in this thread, and of code that a frame goes on
   in only those which come for all code. Whoever joins in later has what runs
   then prepared. */
static bool
needs_no_events(const EngineObject *self)
{
    const PyThreadState *thread = PyThreadState_Get();
    return COMPAT_EXCEPTIONS_ARE_GLOBAL && !self->onlookers.active &&
           thread->c_tracefunc == NULL && thread->c_profilefunc == NULL;
}

int
adopt_prepare(EngineObject *self, code_entry *entry)
{
    /* Frames that go on in it do not pass the RESUME which does that; to
       change the local events does it too. */
    if (!entry->prepared && needs_no_events(self)) {
        return 0;
    }
    if (entry->prepared && entry->code->_co_instrumentation_version ==
                               entry->original->_co_instrumentation_version) {
        return 0;
    }
    if (entry->prepared && monitoring_switch_code(self->monitoring, self->tool,
                                                  entry->code, 0) < 0) {
        return -1;
    }
    entry->prepared = true;
    return monitoring_switch_code(self->monitoring, self->tool, entry->code,
                                  self->start_event);
}

/* Counts a frame that has just been started, which cannot be rewritten. */
static int
start_by_events(EngineObject *self, code_entry *entry)
{
    if ((self->branches && sides_started(self, entry) < 0) ||
        adopt_by_events(self, entry) < 0) {
        return -1;
    }
    sweep_weaken_original(self, entry);
    return 0;
}

const char *
adopt_refuse(const EngineObject *self)
{
    if (!self->probes) {
        return "probes are not used in this run";
    }
    return adopt_is_plain() ? NULL : "another evaluator runs the frames";
}

/* Which loops of code may have copies, before it is forgotten how it ran. */
static xt_unroll_loops
copies_of(const EngineObject *self, PyCodeObject *code)
{
    return firstruns_go_round(self, code) ? XT_UNROLL_ALL : XT_UNROLL_NESTED;
}

/* Counts a frame that has just been started. */
static int
adopt(EngineObject *self, frame_head *frame, PyCodeObject *code,
      Py_ssize_t offset)
{
    if (sweep(self) < 0 ||
        (self->registry.kept != NULL && firstruns_progress(self) < 0)) {
        return -1;
    }
    if (self->registry.kept != NULL) {
        keptcode_note_frames(self);
    }
    const char *refusal = adopt_refuse(self);
    bool first = refusal == NULL && sweep_is_first_run(self, code);
    bool seldom = refusal == NULL && (first || fewcalls_knows(self, code));
    int noted = seldom ? fewcalls_start(self, frame, code) : 0;
    xt_unroll_loops copies = copies_of(self, code);
    if (refusal == NULL && noted == 0) {
        noted = first ? firstruns_start(self, frame, code)
                      : firstruns_again(self, frame, code);
    }
    if (noted != 0) {
        return noted < 0 ? -1 : 0;
    }
    code_entry *entry = registry_add(&self->registry, &self->types, code,
                                     refusal, self->branches, copies);
    if (entry == NULL) {
        return -1;
    }
    adopt_note_file(self, entry, frame->globals);
    if (entry->code == NULL || refusal != NULL) {
        return start_by_events(self, entry);
    }
    int replaced = replace_code(self, frame, entry);
    if (replaced <= 0) {
        return replaced;
    }
    if (onlookers_copy_events(&self->onlookers, entry->original, entry->code) <
            0 ||
        adopt_prepare(self, entry) < 0) {
        return -1;
    }
    if (!frame_switch_code(frame, code, offset, entry->code,
                           entry->probed->landing)) {
        return start_by_events(self, entry);
    }
    if (first) {
        sweep_weaken(self, entry);
    }
    return 0;
}

/* A code object that was rewritten may run in a module that another tracer
   has not judged yet. */
static PyObject *
on_probed(EngineObject *self, ProbedCodeObject *probed, PyObject *globals)
{
    code_entry *entry = registry_get(&self->registry, probed->original);
    if (is_wanted(self, globals) < 0) {
        return NULL;
    }
    if (entry != NULL) {
        adopt_note_file(self, entry, globals);
    }
    return Py_NewRef(self->disable);
}

/* Whether code that is not wanted may be so the next time. A module's code is
   run anew with other globals. A function's hardly ever is, unless it was
   taken out of its file's module. */
static bool
may_be_wanted(const EngineObject *self, PyCodeObject *code,
              const frame_head *frame)
{
    if ((code->co_flags & CO_OPTIMIZED) == 0) {
        return true;
    }
    return PyUnicode_GET_LENGTH(code->co_filename) > 0 &&
           PyUnicode_READ_CHAR(code->co_filename, 0) != '<' &&
           PyDict_GetItem(frame->globals, self->sessions[0]->s_file) == NULL;
}

/* Counts a frame by events that has run before, with these globals or, if that
   is known, in this file. */
static int
go_on_by_events(EngineObject *self, PyCodeObject *code, PyObject *globals,
                PyObject *file)
{
    code_entry *entry =
        registry_add(&self->registry, &self->types, code, adopt_refuse(self),
                     self->branches, copies_of(self, code));
    if (entry == NULL) {
        return -1;
    }
    if (file == NULL) {
        adopt_note_file(self, entry, globals);
    }
    else if (entry->file == NULL) {
        entry->file = Py_NewRef(file);
    }
    if (adopt_by_events(self, entry) < 0) {
        return -1;
    }
    sweep_weaken_original(self, entry);
    return 0;
}

int
adopt_running(EngineObject *self, PyCodeObject *code, PyObject *globals)
{
    if (probed_get(&self->types, code) != NULL) {
        return is_wanted(self, globals) < 0 ? -1 : 0;
    }
    int wanted = is_wanted(self, globals);
    bool on = self->sessions_len > 0;
    return wanted > 0 && on ? go_on_by_events(self, code, globals, NULL)
                            : wanted;
}

int
adopt_midway(EngineObject *self, PyCodeObject *code, PyObject *file)
{
    return go_on_by_events(self, code, NULL, file);
}

/* Whether the code was wanted before, and functions may still have it: the
   next call that is wanted must be told of. */
static bool
is_known(const EngineObject *self, PyCodeObject *code)
{
    return fewcalls_knows(self, code) || firstruns_knows(self, code) ||
           registry_get(&self->registry, code) != NULL;
}

/* A frame begins (`resumed`: goes on) to run `code`, at a byte offset. */
static PyObject *
on_start(EngineObject *self, PyCodeObject *code, PyObject *at, bool resumed)
{
    PyThreadState *thread = PyThreadState_Get();
    frame_head *frame = frame_top(thread);
    if (self->sessions_len == 0 || frame == NULL ||
        frame_code(frame) != code) {
        Py_RETURN_NONE;
    }
    if (firstruns_replace(self, frame) < 0 && engine_keep_trouble(self) < 0) {
        return NULL;
    }
    bool is_traced =
        thread->c_tracefunc != NULL || thread->c_profilefunc != NULL;
    if (is_traced && fewcalls_end(self) < 0 && engine_keep_trouble(self) < 0) {
        return NULL;
    }
    few_known known = resumed ? FEW_UNKNOWN : fewcalls_note(self, frame, code);
    if (known == FEW_FAILED && engine_keep_trouble(self) < 0) {
        return NULL;
    }
    bool left = PyThreadState_GetID(thread) == self->left_thread;
    if (known == FEW_NOTED || (left && !is_known(self, code))) {
        Py_RETURN_NONE;
    }
    ProbedCodeObject *probed = probed_get(&self->types, code);
    if (probed != NULL) {
        return on_probed(self, probed, frame->globals);
    }
    int wanted = is_wanted(self, frame->globals);
    if (wanted < 0) {
        return NULL;
    }
    if (self->sessions_len == 0) {
        Py_RETURN_NONE; /* the last has ended while it was judged */
    }
    if (!wanted) {
        if (may_be_wanted(self, code, frame) || is_known(self, code)) {
            fewcalls_refuse(self, code);
            Py_RETURN_NONE;
        }
        /* It may run for long: what has called it has come so far. */
        if (self->registry.kept != NULL && firstruns_progress(self) < 0 &&
            engine_keep_trouble(self) < 0) {
            return NULL;
        }
        return Py_NewRef(self->disable);
    }
    Py_ssize_t offset = PyLong_AsSsize_t(at) / 2;
    int result;
    if (resumed) {
        result = go_on_by_events(self, code, frame->globals, NULL);
    }
    else {
        result = adopt(self, frame, code, offset);
    }
    if (result < 0 && engine_keep_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyObject *
adopt_started(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return engine_is_about_code(args, nargs, 2)
               ? on_start(self, (PyCodeObject *)args[0], args[1], false)
               : Py_NewRef(Py_None);
}

PyObject *
adopt_resumed(EngineObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return engine_is_about_code(args, nargs, 2)
               ? on_start(self, (PyCodeObject *)args[0], args[1], true)
               : Py_NewRef(Py_None);
}
