// SPDX-License-Identifier: Apache-2.0
#include "tracer.h"

#include "engine.h"
#include "monitor.h"
#include "kept.h"
#include "printengine.h"
#include "printing.h"
#include "printoptions.h"
#include "run.h"
#include "session.h"
#include "settrace.h"
#include "taken.h"

PyDoc_STRVAR(runfunc_doc,
             "runfunc($self, func, /, *args, **kw)\n--\n\n"
             "Call func with the given arguments while tracing, in this\n"
             "thread and in those that it starts. Returns what it returns.");

static PyObject *
tracer_runfunc(TracerObject *self, PyObject *const *args, Py_ssize_t nargs,
               PyObject *kwnames)
{
    if (nargs < 1) {
        PyErr_SetString(
            PyExc_TypeError,
            "Trace.runfunc() missing 1 required positional argument: 'func'");
        return NULL;
    }
    return run_call(self, "Trace.runfunc", args[0], args + 1,
                    (size_t)(nargs - 1), kwnames);
}

/* A string is compiled here, so that it inherits no __future__ from whoever
   called us. */
static PyObject *
compile_command(PyObject *builtins, PyObject *cmd)
{
    if (PyCode_Check(cmd)) {
        return Py_NewRef(cmd);
    }
    return PyObject_CallMethod(builtins, "compile", "OssiO", cmd, "<string>",
                               "exec", 0, Py_True);
}

PyDoc_STRVAR(
    runctx_doc,
    "runctx($self, cmd, globals=None, locals=None)\n--\n\n"
    "Execute cmd (a string or a code object) while tracing, with the\n"
    "given dictionaries as its environment; new empty ones when they\n"
    "are None.");

static PyObject *
tracer_runctx(TracerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"cmd", "globals", "locals", NULL};
    PyObject *cmd;
    PyObject *globals = Py_None;
    PyObject *locals = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:runctx", names, &cmd,
                                     &globals, &locals)) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *exec = NULL;
    PyObject *code = NULL;
    globals = globals == Py_None ? PyDict_New() : Py_NewRef(globals);
    locals = locals == Py_None ? PyDict_New() : Py_NewRef(locals);
    PyObject *builtins = PyImport_ImportModule("builtins");
    if (globals != NULL && locals != NULL && builtins != NULL) {
        code = compile_command(builtins, cmd);
    }
    if (code != NULL) {
        exec = PyObject_GetAttrString(builtins, "exec");
    }
    if (code != NULL && exec != NULL) {
        PyObject *const parts[] = {code, globals, locals};
        result = run_call(self, "Trace.runctx", exec, parts, 3, NULL);
    }
    Py_XDECREF(code);
    Py_XDECREF(exec);
    Py_XDECREF(builtins);
    Py_XDECREF(globals);
    Py_XDECREF(locals);
    return result;
}

PyDoc_STRVAR(run_program_doc,
             "_run_program($self, code, globals, locals, /)\n--\n\n"
             "As runctx(), but threads that are left behind go on being\n"
             "traced until _end_program().");

static PyObject *
tracer_run_program(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "_run_program() takes 3 arguments");
        return NULL;
    }
    PyObject *builtins = PyImport_ImportModule("builtins");
    if (builtins == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *exec = PyObject_GetAttrString(builtins, "exec");
    if (exec != NULL) {
        result = run_program(self, exec, args, 3);
        Py_DECREF(exec);
    }
    Py_DECREF(builtins);
    return result;
}

PyDoc_STRVAR(end_program_doc, "_end_program($self, /)\n--\n\n"
                              "End what _run_program() began.");

static PyObject *
tracer_end_program(TracerObject *self, PyObject *Py_UNUSED(ignored))
{
    if (run_end_program(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(start_doc,
             "start($self, /)\n--\n\n"
             "Begin to trace: what the caller and those who called it do\n"
             "from here on, what they call, and the threads that they start.\n"
             "Raises RuntimeError if that was begun already.");

static PyObject *
tracer_start(TracerObject *self, PyObject *Py_UNUSED(ignored))
{
    if (run_start(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc, "stop($self, /)\n--\n\n"
                       "End what start() began, and bring in the results.");

static PyObject *
tracer_stop(TracerObject *self, PyObject *Py_UNUSED(ignored))
{
    if (run_stop(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(run_doc, "run($self, cmd)\n--\n\n"
                      "Execute cmd (a string or a code object) in the module\n"
                      "__main__ while tracing.");

static PyObject *
tracer_run(TracerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"cmd", NULL};
    PyObject *cmd;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:run", names, &cmd)) {
        return NULL;
    }
    PyObject *main = PyImport_ImportModule("__main__");
    if (main == NULL) {
        return NULL;
    }
    PyObject *result = NULL;
    PyObject *dict = PyObject_GetAttrString(main, "__dict__");
    if (dict != NULL) {
        result = PyObject_CallMethod((PyObject *)self, "runctx", "OOO", cmd,
                                     dict, dict);
        Py_DECREF(dict);
    }
    Py_DECREF(main);
    return result;
}

/* --- Taking over a thread ---------------------------------------------- */

static PyObject *tracer_event(TracerObject *self, PyObject *const *args,
                              Py_ssize_t nargs);

/* The object with which sys.settrace() was called in this thread, if it is a
   method of this tracer; borrowed, else NULL. */
static PyObject *
own_trace_object(TracerObject *self)
{
    PyObject *object = PyThreadState_Get()->c_traceobj;
    if (object == NULL) {
        return NULL;
    }
    PyObject *owner = NULL;
    if (PyCFunction_Check(object)) {
        owner = PyCFunction_GET_SELF(object);
    }
    else if (PyMethod_Check(object)) {
        owner = PyMethod_GET_SELF(object);
    }
    return owner == (PyObject *)self ? object : NULL;
}

/* Has an engine trace this thread in place of the trampoline that
   sys.settrace() installed, or nobody if that is not needed. */
static int
take_thread(TracerObject *self)
{
    if (!run_needs_trace(self)) {
        PyEval_SetTrace(NULL, NULL);
        return 0;
    }
    PyObject *handle = run_handle(self);
    if (handle == NULL) {
        return -1;
    }
    int result = settrace_install(self, handle);
    Py_DECREF(handle);
    return result;
}

/* Replaces the trampoline that sys.settrace() installed by the C function and
   handles the call that made it known. Returns 1 when done, 0 when somebody
   else traces this thread, -1 with an exception. */
static int
take_over(TracerObject *self, PyObject *frame, PyObject *why)
{
    if (!PyFrame_Check(frame) || !PyUnicode_Check(why)) {
        PyErr_SetString(PyExc_TypeError,
                        "a trace function takes a frame, a str and an object");
        return -1;
    }
    if (own_trace_object(self) == NULL) {
        return 0;
    }
    if (self->mode == 0) {
        int fast = run_plan(self, "Trace.runctx");
        if (fast <= 0) {
            return fast;
        }
        if (printing_begin(self) < 0) {
            return -1;
        }
    }
    if (take_thread(self) < 0) {
        return -1;
    }
    if (PyUnicode_CompareWithASCIIString(why, "call") == 0 &&
        settrace_call(self, (PyFrameObject *)frame) < 0) {
        return -1;
    }
    return 1;
}

PyDoc_STRVAR(event_doc, "_event($self, frame, why, arg, /)\n--\n\n"
                        "The trace function of this tracer, for sys.settrace()"
                        " and threading.settrace().");

static PyObject *
tracer_event(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError,
                        "a trace function takes three arguments");
        return NULL;
    }
    if (take_over(self, args[0], args[1]) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(thread_event_doc,
             "_thread_event($self, frame, why, arg, /)\n--\n\n"
             "The same for threads that a run starts; but they are let go if\n"
             "that needs no trace function, or needed none.");

static PyObject *
tracer_thread_event(TracerObject *self, PyObject *const *args,
                    Py_ssize_t nargs)
{
    if (self->needs_no_trace && own_trace_object(self) != NULL) {
        PyEval_SetTrace(NULL, NULL);
        Py_RETURN_NONE;
    }
    return tracer_event(self, args, nargs);
}

PyDoc_STRVAR(
    take_over_doc,
    "_take_over($self, frame, why, /)\n--\n\n"
    "Trace this thread by the C function from now on, beginning with\n"
    "this event. False when a hook was replaced, or the thread is\n"
    "traced by somebody else.");

static PyObject *
tracer_take_over(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "_take_over() takes two arguments");
        return NULL;
    }
    PyObject *object = own_trace_object(self);
    if (object == NULL || !PyMethod_Check(object)) {
        Py_RETURN_FALSE;
    }
    if (self->runs == 0) {
        /* Hooks may have been replaced since the last time. */
        self->mode = 0;
    }
    else if (self->mode == 0 || self->mode & TRACER_HOOKS) {
        Py_RETURN_FALSE; /* a run on the slow path, as planned */
    }
    int taken = take_over(self, args[0], args[1]);
    return taken < 0 ? NULL : PyBool_FromLong(taken);
}

PyDoc_STRVAR(called_doc, "_called($self, code, offset, /)\n--\n\n"
                         "The callback of sys.monitoring for PY_START.");
PyDoc_STRVAR(resumed_doc, "_resumed($self, code, offset, /)\n--\n\n"
                          "The callback of sys.monitoring for PY_RESUME.");
PyDoc_STRVAR(thrown_doc, "_thrown($self, code, offset, exception, /)\n--\n\n"
                         "The callback of sys.monitoring for PY_THROW.");

static PyObject *
call_event(TracerObject *self, PyObject *const *args, Py_ssize_t nargs,
           monitor_event event)
{
    if (nargs < 1 || !PyCode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "a code object is missing");
        return NULL;
    }
    return monitor_call(self, (PyCodeObject *)args[0], event);
}

static PyObject *
called(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return call_event(self, args, nargs, MONITOR_START);
}

static PyObject *
resumed(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return call_event(self, args, nargs, MONITOR_RESUME);
}

static PyObject *
thrown(TracerObject *self, PyObject *const *args, Py_ssize_t nargs)
{
    return call_event(self, args, nargs, MONITOR_THROW);
}

/* sys.monitoring does not hold what it calls (_Py_call_instrumentation_line()
   in Python/instrumentation.c), and while a callback waits for a pipe or runs
   _judge(), another thread may end the run and drop the tracer. */
#define CALLBACK(name, function)                                              \
    static PyObject *name(TracerObject *self, PyObject *const *args,          \
                          Py_ssize_t nargs)                                   \
    {                                                                         \
        Py_INCREF(self);                                                      \
        PyObject *result = function(self, args, nargs);                       \
        Py_DECREF(self);                                                      \
        return result;                                                        \
    }

CALLBACK(tracer_called, called)
CALLBACK(tracer_resumed, resumed)
CALLBACK(tracer_thrown, thrown)
CALLBACK(tracer_on_start, printengine_started)
CALLBACK(tracer_on_throw, printengine_thrown)
CALLBACK(tracer_on_line, printengine_line)
CALLBACK(tracer_on_jump, printengine_jumped)

PyDoc_STRVAR(function_name_doc,
             "function_name(code, modname, /)\n--\n\n"
             "(file name, module name, function name) of a code object; a\n"
             "method is named with its class. modname makes a module name\n"
             "from a file name.");

static PyObject *
function_name(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *code;
    PyObject *modname;
    if (!PyArg_ParseTuple(args, "O!O:function_name", &PyCode_Type, &code,
                          &modname)) {
        return NULL;
    }
    return functions_name(modname, (PyCodeObject *)code);
}

/* --- The type ---------------------------------------------------------- */

static PyObject *
tracer_get_counts(TracerObject *self, void *Py_UNUSED(closure))
{
    sync_enter(&self->section);
    PyObject *counts = NULL;
    if ((self->engine == NULL || engine_harvest(self->engine, self) == 0) &&
        session_flush(self) == 0) {
        counts = Py_NewRef(self->counts);
    }
    sync_leave(&self->section);
    return counts;
}

static int
tracer_set_counts(TracerObject *self, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "counts cannot be deleted");
        return -1;
    }
    sync_enter(&self->section);
    PyObject *before = tracer_get_counts(self, closure);
    if (before != NULL) {
        Py_SETREF(self->counts, Py_NewRef(value));
    }
    sync_leave(&self->section);
    Py_XDECREF(before);
    return before == NULL ? -1 : 0;
}

static PyObject *
tracer_get_branches(TracerObject *self, void *Py_UNUSED(closure))
{
    if (self->engine != NULL && engine_harvest(self->engine, self) < 0) {
        return NULL;
    }
    return Py_NewRef(self->branches);
}

static PyObject *
tracer_get_calls(TracerObject *self, void *Py_UNUSED(closure))
{
    if ((self->engine != NULL && engine_harvest(self->engine, self) < 0) ||
        functions_flush(&self->functions) < 0) {
        return NULL;
    }
    return Py_NewRef(self->calls);
}

static PyObject *
tracer_get_call_graph(TracerObject *self, void *Py_UNUSED(closure))
{
    if (functions_flush(&self->functions) < 0) {
        return NULL;
    }
    return Py_NewRef(self->call_graph);
}

static PyObject *
tracer_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
           PyObject *Py_UNUSED(kwargs))
{
    TracerObject *self = (TracerObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->tool = -1;
    self->counts = PyDict_New();
    self->branches = PyDict_New();
    self->calls = PyDict_New();
    self->call_graph = PyDict_New();
    self->judged = PyDict_New();
    self->s_file = PyUnicode_InternFromString("__file__");
#ifdef Py_GIL_DISABLED
    lanes_init(&self->lanes);
#endif
    if (self->branches == NULL || self->calls == NULL ||
        self->call_graph == NULL || self->counts == NULL ||
        self->judged == NULL || self->s_file == NULL ||
        files_init(&self->files) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int
tracer_traverse(TracerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->counts);
    Py_VISIT(self->judged);
    Py_VISIT(self->trouble);
    Py_VISIT(self->awaited);
    Py_VISIT(self->branches);
    Py_VISIT(self->calls);
    Py_VISIT(self->call_graph);
    Py_VISIT(self->program_hook);
    int result = functions_traverse(&self->functions, visit, arg);
    result = result != 0 ? result : printing_traverse(self, visit, arg);
    return result != 0 ? result : linelog_traverse(&self->log, visit, arg);
}

static int
tracer_clear(TracerObject *self)
{
    Py_CLEAR(self->trouble);
    Py_CLEAR(self->awaited);
    Py_CLEAR(self->program_hook);
    functions_clear(&self->functions);
    return 0;
}

static void
tracer_dealloc(TracerObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->engine != NULL) {
        engine_drop(self->engine, self);
    }
    printengine_end(self);
    kept_close(self);
    run_forget(self);
    tracer_clear(self);
    printing_free(self);
    linelog_clear(&self->log);
    Py_CLEAR(self->counts);
    Py_CLEAR(self->judged);
    Py_CLEAR(self->s_file);
    Py_CLEAR(self->disable);
    Py_CLEAR(self->branches);
    Py_CLEAR(self->calls);
    Py_CLEAR(self->call_graph);
    Py_CLEAR(self->engines);
    files_fini(&self->files);
    newcomers_fini(&self->newcomers);
#ifdef Py_GIL_DISABLED
    lanes_fini(&self->lanes);
#else
    lane_fini(&self->lane);
#endif
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(
    engines_used_doc,
    "_engines_used($self, /)\n--\n\n"
    "After a run: a list of (file name, first line, qualified name,\n"
    "engine, why it was not counted by probes or None) for each code\n"
    "object; empty if the trace function did all the work.");

static PyObject *
tracer_engines_used(TracerObject *self, PyObject *Py_UNUSED(ignored))
{
    return self->engines == NULL ? PyList_New(0) : Py_NewRef(self->engines);
}

static PyMethodDef tracer_methods[] = {
    {"run", (PyCFunction)(void (*)(void))tracer_run,
     METH_VARARGS | METH_KEYWORDS, run_doc},
    {"runctx", (PyCFunction)(void (*)(void))tracer_runctx,
     METH_VARARGS | METH_KEYWORDS, runctx_doc},
    {"runfunc", (PyCFunction)(void (*)(void))tracer_runfunc,
     METH_FASTCALL | METH_KEYWORDS, runfunc_doc},
    {"_run_program", (PyCFunction)(void (*)(void))tracer_run_program,
     METH_FASTCALL, run_program_doc},
    {"start", (PyCFunction)tracer_start, METH_NOARGS, start_doc},
    {"stop", (PyCFunction)tracer_stop, METH_NOARGS, stop_doc},
    {"_end_program", (PyCFunction)tracer_end_program, METH_NOARGS,
     end_program_doc},
    {"_keep_in", (PyCFunction)kept_begin, METH_VARARGS, kept_begin_doc},
    {"_keep_no_more", (PyCFunction)kept_end, METH_NOARGS, kept_end_doc},
    {"_take", (PyCFunction)taken_by_caller, METH_NOARGS, taken_doc},
    {"_end_context", (PyCFunction)taken_end_context, METH_VARARGS,
     taken_context_doc},
    {"_engines_used", (PyCFunction)tracer_engines_used, METH_NOARGS,
     engines_used_doc},
    {"_event", (PyCFunction)(void (*)(void))tracer_event, METH_FASTCALL,
     event_doc},
    {"_thread_event", (PyCFunction)(void (*)(void))tracer_thread_event,
     METH_FASTCALL, thread_event_doc},
    {"_print_by", (PyCFunction)(void (*)(void))printing_configure,
     METH_VARARGS | METH_KEYWORDS, printing_configure_doc},
    {"_wait_for", (PyCFunction)session_wait_for, METH_O,
     "_wait_for($self, spec, /)\n--\n\n"
     "See no call before the module with this spec is imported."},
    {"_print_in_child", (PyCFunction)printing_in_child, METH_O,
     printing_in_child_doc},
    {"_show_last", (PyCFunction)printing_show, METH_NOARGS, printing_show_doc},
    {"_called", (PyCFunction)(void (*)(void))tracer_called, METH_FASTCALL,
     called_doc},
    {"_resumed", (PyCFunction)(void (*)(void))tracer_resumed, METH_FASTCALL,
     resumed_doc},
    {"_thrown", (PyCFunction)(void (*)(void))tracer_thrown, METH_FASTCALL,
     thrown_doc},
    {"_on_start", (PyCFunction)(void (*)(void))tracer_on_start, METH_FASTCALL,
     "The callback of sys.monitoring for calls, to print."},
    {"_on_throw", (PyCFunction)(void (*)(void))tracer_on_throw, METH_FASTCALL,
     NULL},
    {"_on_line", (PyCFunction)(void (*)(void))tracer_on_line, METH_FASTCALL,
     NULL},
    {"_on_jump", (PyCFunction)(void (*)(void))tracer_on_jump, METH_FASTCALL,
     NULL},
    {"_take_over", (PyCFunction)(void (*)(void))tracer_take_over,
     METH_FASTCALL, take_over_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef tracer_getset[] = {
    {"counts", (getter)tracer_get_counts, (setter)tracer_set_counts,
     "How often each line ran: {(file name, line number): hits}", NULL},
    {"branches", (getter)tracer_get_branches, NULL,
     "How often each side of each branch was taken", NULL},
    {"calls", (getter)tracer_get_calls, NULL,
     "How often each function was entered", NULL},
    {"call_graph", (getter)tracer_get_call_graph, NULL,
     "How often which function entered which", NULL},
    {"_kept_in", (getter)kept_get_path, NULL, kept_in_doc, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(tracer_doc,
             "The settrace engine. Subclasses say in _plan() what is wanted\n"
             "and in _judge() which files are.");

static PyType_Slot tracer_slots[] = {
    {Py_tp_doc, (void *)tracer_doc},   {Py_tp_new, tracer_new},
    {Py_tp_traverse, tracer_traverse}, {Py_tp_clear, tracer_clear},
    {Py_tp_dealloc, tracer_dealloc},   {Py_tp_methods, tracer_methods},
    {Py_tp_getset, tracer_getset},     {0, NULL},
};

static PyType_Spec tracer_spec = {
    .name = "exactrace._native.Tracer",
    .basicsize = sizeof(TracerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = tracer_slots,
};

static PyMethodDef tracer_functions[] = {
    {"function_name", function_name, METH_VARARGS, function_name_doc},
    {"share_stdout", printing_share_stdout, METH_NOARGS,
     printing_share_stdout_doc},
    {"check_lines", printing_check_lines, METH_O, printing_check_lines_doc},
    {NULL, NULL, 0, NULL},
};

int
tracer_init(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &tracer_spec, NULL);
    if (type == NULL) {
        return -1;
    }
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    if (result < 0 || PyModule_AddFunctions(module, tracer_functions) < 0 ||
        PyModule_AddIntConstant(module, "COUNT", TRACER_COUNT) < 0 ||
        PyModule_AddIntConstant(module, "LINES", TRACER_LINES) < 0 ||
        PyModule_AddIntConstant(module, "FUNCTIONS", TRACER_FUNCTIONS) < 0 ||
        PyModule_AddIntConstant(module, "CALLERS", TRACER_CALLERS) < 0 ||
        PyModule_AddIntConstant(module, "BRANCHES", TRACER_BRANCHES) < 0 ||
        PyModule_AddIntConstant(module, "PROBE", TRACER_PROBE) < 0 ||
        PyModule_AddIntConstant(module, "EVENT", TRACER_EVENT) < 0 ||
        PyModule_AddIntConstant(module, "DEBUG", TRACER_DEBUG) < 0 ||
        PyModule_AddIntConstant(module, "HAS_GIL", COMPAT_HAS_GIL) < 0 ||
        PyModule_AddIntConstant(module, "CALLS", TRACER_CALLS) < 0 ||
        PyModule_AddIntConstant(module, "HOOKS", TRACER_HOOKS) < 0 ||
        PyModule_AddIntConstant(module, "ALL", TRACER_ALL) < 0 ||
        PyModule_AddIntConstant(module, "FILTERED", TRACER_FILTERED) < 0) {
        return -1;
    }
    return 0;
}
