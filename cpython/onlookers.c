// SPDX-License-Identifier: Apache-2.0
#include "onlookers.h"

#include <stddef.h> // offsetof()
#include <string.h>

#include "engine.h"

enum { TOOL_IDS = 6, EVENTS = 24 };
/* Since 3.14 (Include/cpython/monitoring.h): BRANCH stands for the others. */
enum { BIT_LEFT = 1 << 8, BIT_RIGHT = 1 << 9, BIT_BRANCH = 1 << 18 };

/* --- Wrapped callbacks --------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *callback;  /* owned */
    probed_types *types; /* borrowed: lives as long as the interpreter */
    bool has_line;       /* the second argument is a line, not an offset */
    bool has_target;     /* the third is an offset as well */
    bool instruction;    /* the event comes for every instruction */
} WrappedObject;

enum { ARGUMENTS_MAX = 4 };

/* An offset into rewritten code, as one into the original; a new reference. */
static PyObject *
map_offset(const ProbedCodeObject *probed, PyObject *offset)
{
    Py_ssize_t unit = PyLong_AsSsize_t(offset) / 2;
    if (unit < 0 || unit >= (Py_ssize_t)probed->map.units) {
        PyErr_Clear();
        return Py_NewRef(offset);
    }
    return PyLong_FromUnsignedLong(2 * probed_old_unit(probed, unit));
}

/* Whether an event of an instruction or a jump comes from one of our own. */
static bool
is_inserted(const ProbedCodeObject *probed, PyObject *offset)
{
    Py_ssize_t unit = PyLong_AsSsize_t(offset) / 2;
    return unit >= 0 && unit < (Py_ssize_t)probed->map.units &&
           (xt_unitmap_find(&probed->map, (uint32_t)unit) &
            XT_REWRITE_INSERTED) != 0;
}

static PyObject *
call_mapped(WrappedObject *self, const ProbedCodeObject *probed,
            PyObject *const *args, Py_ssize_t nargs)
{
    PyObject *mapped[ARGUMENTS_MAX];
    for (Py_ssize_t i = 0; i < nargs; i++) {
        bool offset =
            (i == 1 && !self->has_line) || (i == 2 && self->has_target);
        mapped[i] = i == 0   ? Py_NewRef(probed->original)
                    : offset ? map_offset(probed, args[i])
                             : Py_NewRef(args[i]);
        if (mapped[i] == NULL) {
            nargs = i;
        }
    }
    PyObject *result =
        PyErr_Occurred()
            ? NULL
            : PyObject_Vectorcall(self->callback, mapped, (size_t)nargs, NULL);
    for (Py_ssize_t i = 0; i < nargs; i++) {
        Py_DECREF(mapped[i]);
    }
    return result;
}

static PyObject *
wrapped_vectorcall(PyObject *object, PyObject *const *args, size_t nargsf,
                   PyObject *kwnames)
{
    WrappedObject *self = (WrappedObject *)object;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    ProbedCodeObject *probed =
        nargs >= 2 && nargs <= ARGUMENTS_MAX && PyCode_Check(args[0])
            ? probed_get(self->types, (PyCodeObject *)args[0])
            : NULL;
    if (probed == NULL || kwnames != NULL) {
        return PyObject_Vectorcall(self->callback, args, nargsf, kwnames);
    }
    if ((self->instruction || self->has_target) &&
        is_inserted(probed, args[1])) {
        Py_RETURN_NONE;
    }
    return call_mapped(self, probed, args, nargs);
}

static int
wrapped_traverse(WrappedObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->callback);
    return 0;
}

static int
wrapped_clear(WrappedObject *self)
{
    Py_CLEAR(self->callback);
    return 0;
}

static void
wrapped_dealloc(WrappedObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    (void)wrapped_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef wrapped_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET,
     offsetof(WrappedObject, vectorcall), Py_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot wrapped_slots[] = {
    {Py_tp_doc, "A callback of sys.monitoring that sees no rewritten code."},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, wrapped_members},
    {Py_tp_traverse, wrapped_traverse},
    {Py_tp_clear, wrapped_clear},
    {Py_tp_dealloc, wrapped_dealloc},
    {0, NULL},
};

static PyType_Spec wrapped_spec = {
    .name = "exactrace._native.WrappedCallback",
    .basicsize = sizeof(WrappedObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
             Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = wrapped_slots,
};

/* Whether `event` (a number with one bit) is one of those. */
static bool
is_event(const onlookers *self, PyObject *event, const char *const *names)
{
    PyObject *events = PyObject_GetAttrString(self->monitoring, "events");
    bool found = false;
    for (size_t i = 0; events != NULL && names[i] != NULL && !found; i++) {
        PyObject *value = PyObject_GetAttrString(events, names[i]);
        if (value != NULL) {
            found = PyObject_RichCompareBool(value, event, Py_EQ) > 0;
            Py_DECREF(value);
        }
        PyErr_Clear(); /* an event that this version does not have */
    }
    Py_XDECREF(events);
    return found;
}

static PyObject *
wrap(const onlookers *self, PyObject *event, PyObject *callback)
{
    static const char *const lines[] = {"LINE", NULL};
    static const char *const targets[] = {"JUMP", "BRANCH", "BRANCH_LEFT",
                                          "BRANCH_RIGHT", NULL};
    static const char *const instructions[] = {"INSTRUCTION", NULL};
    WrappedObject *wrapped =
        (WrappedObject *)self->type->tp_alloc(self->type, 0);
    if (wrapped == NULL) {
        return NULL;
    }
    wrapped->vectorcall = wrapped_vectorcall;
    wrapped->callback = Py_NewRef(callback);
    wrapped->types = self->types;
    wrapped->has_line = is_event(self, event, lines);
    wrapped->has_target = is_event(self, event, targets);
    wrapped->instruction = is_event(self, event, instructions);
    return (PyObject *)wrapped;
}

/* --- The functions of sys.monitoring ------------------------------------- */

typedef PyObject *(*fastcall)(PyObject *, PyObject *const *, Py_ssize_t);

/* Calls what the function itself would do. */
static PyObject *
call_own(const onlookers_patch *patch, PyObject *const *args, Py_ssize_t nargs)
{
    fastcall function = (fastcall)(void (*)(void))patch->definition->ml_meth;
    return function(patch->self, args, nargs);
}

/* A patched function's self is a capsule. */
static onlookers *
onlookers_of(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, NULL);
}

static void
note_other(onlookers *self)
{
    self->active = true;
    self->types->watched = true;
}

enum {
    REGISTER_CALLBACK,
    SET_LOCAL_EVENTS,
    USE_TOOL_ID,
    SET_TRACE, /* these are of sys */
    SET_PROFILE,
    SET_TRACE_OF_ALL,
    SET_PROFILE_OF_ALL,
    ADD_AUDIT_HOOK,
};

static bool
is_ours(const onlookers *self, PyObject *tool)
{
    bool ours = PyLong_Check(tool) && PyLong_AsLong(tool) == self->tool;
    PyErr_Clear();
    return ours;
}

/* register_callback(tool, event, callback): the callback before. */
static PyObject *
register_callback(PyObject *capsule, PyObject *const *args, Py_ssize_t nargs)
{
    onlookers *self = onlookers_of(capsule);
    const onlookers_patch *patch = &self->patches[REGISTER_CALLBACK];
    if (nargs != 3 || is_ours(self, args[0])) {
        return call_own(patch, args, nargs);
    }
    note_other(self);
    PyObject *wrapped =
        args[2] == Py_None ? Py_NewRef(Py_None) : wrap(self, args[1], args[2]);
    if (wrapped == NULL) {
        return NULL;
    }
    PyObject *const given[] = {args[0], args[1], wrapped};
    PyObject *before = call_own(patch, given, nargs);
    Py_DECREF(wrapped);
    if (before != NULL && Py_IS_TYPE(before, self->type)) {
        Py_SETREF(before, Py_NewRef(((WrappedObject *)before)->callback));
    }
    return before;
}

/* set_local_events(tool, code, events) */
static PyObject *
set_local_events(PyObject *capsule, PyObject *const *args, Py_ssize_t nargs)
{
    onlookers *self = onlookers_of(capsule);
    const onlookers_patch *patch = &self->patches[SET_LOCAL_EVENTS];
    PyObject *result = call_own(patch, args, nargs);
    if (result == NULL || nargs != 3 || is_ours(self, args[0]) ||
        !PyCode_Check(args[1])) {
        return result;
    }
    note_other(self);
    code_entry *entry = registry_get(self->registry, (PyCodeObject *)args[1]);
    if (entry != NULL && entry->code != NULL) {
        PyObject *const given[] = {args[0], (PyObject *)entry->code, args[2]};
        Py_SETREF(result, call_own(patch, given, nargs));
    }
    return result;
}

/* What will be asked for may have the interpreter forget what we read of it,
   or run code without telling us: we read it now. */
static int
prepare(onlookers *self)
{
    return fewcalls_end(self->engine) < 0 ? engine_keep_trouble(self->engine)
                                          : 0;
}

/* use_tool_id(tool, name) */
static PyObject *
use_tool_id(PyObject *capsule, PyObject *const *args, Py_ssize_t nargs)
{
    onlookers *self = onlookers_of(capsule);
    PyObject *result = call_own(&self->patches[USE_TOOL_ID], args, nargs);
    if (result != NULL && prepare(self) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

/* Functions of sys, with one argument. In the callbacks that they set, code
   runs without an event. */
static PyObject *
set_hook(PyObject *capsule, PyObject *hook, size_t which)
{
    onlookers *self = onlookers_of(capsule);
    const onlookers_patch *patch = &self->patches[which];
    if (hook != Py_None && prepare(self) < 0) {
        return NULL;
    }
    return patch->definition->ml_meth(patch->self, hook);
}

static PyObject *
set_trace(PyObject *capsule, PyObject *hook)
{
    return set_hook(capsule, hook, SET_TRACE);
}

static PyObject *
set_profile(PyObject *capsule, PyObject *hook)
{
    return set_hook(capsule, hook, SET_PROFILE);
}

static PyObject *
set_trace_of_all(PyObject *capsule, PyObject *hook)
{
    return set_hook(capsule, hook, SET_TRACE_OF_ALL);
}

static PyObject *
set_profile_of_all(PyObject *capsule, PyObject *hook)
{
    return set_hook(capsule, hook, SET_PROFILE_OF_ALL);
}

typedef PyObject *(*keyword_call)(PyObject *, PyObject *const *, Py_ssize_t,
                                  PyObject *);

/* addaudithook(hook) */
static PyObject *
add_audit_hook(PyObject *capsule, PyObject *const *args, Py_ssize_t nargs,
               PyObject *names)
{
    onlookers *self = onlookers_of(capsule);
    const onlookers_patch *patch = &self->patches[ADD_AUDIT_HOOK];
    if (prepare(self) < 0) {
        return NULL;
    }
    keyword_call own =
        (keyword_call)(void (*)(void))patch->definition->ml_meth;
    return own(patch->self, args, nargs, names);
}

/* --- Beginning and ending ------------------------------------------------ */

/* Has `found` call ours, whose signature is that of its flags. */
static int
put_on(onlookers *self, size_t which, PyObject *found, PyCFunction ours)
{
    onlookers_patch *patch = &self->patches[which];
    PyCFunctionObject *function = (PyCFunctionObject *)found;
    PyObject *capsule = PyCapsule_New(self, NULL, NULL);
    if (capsule == NULL) {
        return -1;
    }
    *patch = (onlookers_patch){
        .function = Py_NewRef(found),
        .definition = function->m_ml,
        .self = function->m_self,
        .ours = *function->m_ml,
    };
    patch->ours.ml_meth = ours;
    function->m_self = capsule;
    function->m_ml = &patch->ours;
    return 0;
}

static bool
is_own_function(PyObject *found, int flags)
{
    return found != NULL && PyCFunction_CheckExact(found) &&
           PyCFunction_GET_FLAGS(found) == flags;
}

static int
put_on_monitoring(onlookers *self, size_t which, const char *name,
                  fastcall ours)
{
    PyObject *found = PyObject_GetAttrString(self->monitoring, name);
    int result = -1;
    if (is_own_function(found, METH_FASTCALL)) {
        result = put_on(self, which, found, (PyCFunction)(void (*)(void))ours);
    }
    else {
        PyErr_Format(PyExc_RuntimeError,
                     "sys.monitoring.%s is not what it is in CPython", name);
    }
    Py_XDECREF(found);
    return result;
}

/* A program may have put another function there, which calls this one: it
   has none that we could find. */
static int
put_on_sys(onlookers *self, size_t which, const char *name, int flags,
           PyCFunction ours)
{
    PyObject *found = PySys_GetObject(name);
    return is_own_function(found, flags) ? put_on(self, which, found, ours)
                                         : 0;
}

static int
put_all_on(onlookers *self)
{
    PyCFunction audits = (PyCFunction)(void (*)(void))add_audit_hook;
    return put_on_monitoring(self, REGISTER_CALLBACK, "register_callback",
                             register_callback) < 0 ||
                   put_on_monitoring(self, SET_LOCAL_EVENTS,
                                     "set_local_events",
                                     set_local_events) < 0 ||
                   put_on_monitoring(self, USE_TOOL_ID, "use_tool_id",
                                     use_tool_id) < 0 ||
                   put_on_sys(self, SET_TRACE, "settrace", METH_O, set_trace) <
                       0 ||
                   put_on_sys(self, SET_PROFILE, "setprofile", METH_O,
                              set_profile) < 0 ||
                   put_on_sys(self, SET_TRACE_OF_ALL, "_settraceallthreads",
                              METH_O, set_trace_of_all) < 0 ||
                   put_on_sys(self, SET_PROFILE_OF_ALL,
                              "_setprofileallthreads", METH_O,
                              set_profile_of_all) < 0 ||
                   put_on_sys(self, ADD_AUDIT_HOOK, "addaudithook",
                              METH_FASTCALL | METH_KEYWORDS, audits) < 0
               ? -1
               : 0;
}

static void
take_off(onlookers_patch *patch)
{
    PyCFunctionObject *function = (PyCFunctionObject *)patch->function;
    if (function != NULL) {
        PyObject *capsule = function->m_self;
        function->m_self = patch->self;
        function->m_ml = patch->definition;
        Py_DECREF(capsule);
        Py_CLEAR(patch->function);
    }
}

/* Registers for each event of a tool what `change` makes of its callback. */
typedef PyObject *(*changing)(const onlookers *self, PyObject *event,
                              PyObject *callback);

/* Registers a callback for an event, and returns the one before; None if there
   was none, or no event has this bit. NULL with an exception. */
static PyObject *
exchange(const onlookers *self, int tool, long event, PyObject *callback)
{
    const onlookers_patch *patch = &self->patches[REGISTER_CALLBACK];
    PyObject *number = PyLong_FromLong(tool);
    PyObject *bit = PyLong_FromLong(event);
    PyObject *before = NULL;
    if (number != NULL && bit != NULL) {
        PyObject *const given[] = {number, bit, callback};
        before = call_own(patch, given, 3);
    }
    if (before == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        before = Py_NewRef(Py_None);
    }
    Py_XDECREF(number);
    Py_XDECREF(bit);
    return before;
}

/* Registers what `change` makes of the callback that an event had; `before` is
   taken over. */
static int
put_changed(const onlookers *self, int tool, long event, PyObject *before,
            changing change)
{
    if (before == NULL || before == Py_None) {
        Py_XDECREF(before);
        return before == NULL ? -1 : 0;
    }
    PyObject *bit = PyLong_FromLong(event);
    PyObject *changed = bit == NULL ? NULL : change(self, bit, before);
    PyObject *none =
        exchange(self, tool, event, changed == NULL ? before : changed);
    Py_XDECREF(none);
    Py_XDECREF(bit);
    Py_XDECREF(changed);
    Py_DECREF(before);
    return PyErr_Occurred() ? -1 : 0;
}

/* The sides of a branch, since 3.14. A callback of both is registered for
   BRANCH: its DISABLE is another one (Python/instrumentation.c). */
static int
change_sides(const onlookers *self, int tool, changing change)
{
    PyObject *left = exchange(self, tool, BIT_LEFT, Py_None);
    PyObject *right =
        left == NULL ? NULL : exchange(self, tool, BIT_RIGHT, Py_None);
    if (left != NULL && left == right) {
        Py_DECREF(right);
        return put_changed(self, tool, BIT_BRANCH, left, change);
    }
    int result = put_changed(self, tool, BIT_LEFT, left, change);
    return left == NULL ||
                   put_changed(self, tool, BIT_RIGHT, right, change) < 0
               ? -1
               : result;
}

static int
change_callback(const onlookers *self, int tool, int bit, changing change)
{
    const long event = 1L << bit;
    if (COMPAT_MINOR >= 14 &&
        (event & (BIT_LEFT | BIT_RIGHT | BIT_BRANCH)) != 0) {
        return event == BIT_BRANCH ? change_sides(self, tool, change) : 0;
    }
    return put_changed(self, tool, event, exchange(self, tool, event, Py_None),
                       change);
}

static PyObject *
unwrap(const onlookers *self, PyObject *Py_UNUSED(event), PyObject *callback)
{
    bool wrapped = Py_IS_TYPE(callback, self->type);
    return Py_NewRef(wrapped ? ((WrappedObject *)callback)->callback
                             : callback);
}

static bool
is_in_use(const onlookers *self, int tool)
{
    PyObject *user =
        PyObject_CallMethod(self->monitoring, "get_tool", "i", tool);
    bool used = user != NULL && user != Py_None;
    Py_XDECREF(user);
    PyErr_Clear();
    return used && tool != self->tool;
}

static int
change_all(onlookers *self, changing change)
{
    int result = 0;
    for (int tool = 0; tool < TOOL_IDS && result == 0; tool++) {
        if (!is_in_use(self, tool)) {
            continue;
        }
        note_other(self);
        for (int bit = 0; bit < EVENTS && result == 0; bit++) {
            result = change_callback(self, tool, bit, change);
        }
    }
    return result;
}

int
onlookers_init(onlookers *self, PyObject *module)
{
    self->type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &wrapped_spec, NULL);
    return self->type == NULL ? -1 : 0;
}

int
onlookers_begin(onlookers *self, EngineObject *engine)
{
    self->engine = engine;
    self->monitoring = engine->monitoring;
    self->types = &engine->types;
    self->registry = &engine->registry;
    self->tool = engine->tool;
    self->active = false;
    self->types->watched = false;
    if (put_all_on(self) < 0 || change_all(self, wrap) < 0) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        onlookers_end(self);
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    return 0;
}

void
onlookers_end(onlookers *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (self->patches[REGISTER_CALLBACK].function != NULL &&
        change_all(self, unwrap) < 0) {
        PyErr_Clear();
    }
    for (size_t i = 0; i < ONLOOKERS_FUNCTIONS; i++) {
        take_off(&self->patches[i]);
    }
    PyErr_Restore(type, value, traceback);
}

int
onlookers_copy_events(onlookers *self, PyCodeObject *original,
                      PyCodeObject *code)
{
    int result = 0;
    for (int tool = 0; tool < TOOL_IDS && self->active && result == 0;
         tool++) {
        if (!is_in_use(self, tool)) {
            continue;
        }
        PyObject *events = PyObject_CallMethod(
            self->monitoring, "get_local_events", "iO", tool, original);
        PyObject *number = PyLong_FromLong(tool);
        result = -1;
        if (events != NULL && number != NULL) {
            PyObject *const given[] = {number, (PyObject *)code, events};
            PyObject *done =
                call_own(&self->patches[SET_LOCAL_EVENTS], given, 3);
            result = done == NULL ? -1 : 0;
            Py_XDECREF(done);
        }
        Py_XDECREF(events);
        Py_XDECREF(number);
    }
    return result;
}
