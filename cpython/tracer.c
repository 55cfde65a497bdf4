// SPDX-License-Identifier: Apache-2.0
#include "tracer.h"

#include <stddef.h> // offsetof()

#include "files.h"
#include "functions.h"
#include "linelog.h"
#include "ptrmap.h"

typedef struct {
    PyObject_HEAD
    PyObject *counts; /* owned: what the attribute `counts` shows */
    unsigned mode;    /* TRACER_* bits; 0: not planned, or the slow path */
    Py_ssize_t runs;  /* runs that have begun and not ended */
    file_table files;
    xt_ptrmap frames; /* frames that are wanted -> their traced_file */

    /* The frame of the last event, so that most lines need no look-up. The
       frame is borrowed: its return event, the last of its life, clears it. */
    PyFrameObject *hot_frame;
    traced_file *hot_file; /* NULL: the frame is not wanted */

    PyObject *judged; /* owned: dict {__file__: module name, or None} */
    function_table functions;
    line_log log;
    PyObject *trouble; /* owned: the first exception of ours, or NULL */
} TracerObject;

/* --- Events ------------------------------------------------------------ */

/* An exception of ours must not disturb the program: the first is kept until
   the run ends. What is not ours (Ctrl-C in the midst of our work) goes on to
   the program: -1. */
static int
keep_trouble(TracerObject *self)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return -1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (self->trouble == NULL) {
        PyErr_NormalizeException(&type, &value, &traceback);
        self->trouble = Py_XNewRef(value);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return 0;
}

static int
keep_log_trouble(TracerObject *self)
{
    self->log.broken = true;
    return keep_trouble(self);
}

/* The module name under which the file is wanted, or None: borrowed from
   `judged`. NULL with an exception. */
static PyObject *
judge(TracerObject *self, PyObject *filename, PyObject *globals)
{
    PyObject *module = PyDict_GetItemWithError(self->judged, filename);
    if (module != NULL || PyErr_Occurred()) {
        return module;
    }
    module = PyObject_CallMethod((PyObject *)self, "_judge", "OO", filename,
                                 globals);
    if (module == NULL) {
        return NULL;
    }
    int stored = PyDict_SetItem(self->judged, filename, module);
    Py_DECREF(module);
    return stored < 0 ? NULL : module;
}

/* Sets *file to where the lines of the frame count, or to NULL when they are
   not wanted. -1 with an exception. */
static int
find_file(TracerObject *self, PyFrameObject *frame, traced_file **file)
{
    *file = NULL;
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *filename = PyDict_GetItemString(globals, "__file__");
    int result = 0;
    PyObject *module = NULL;
    if (filename != NULL && filename != Py_None) {
        Py_INCREF(filename);
        module = judge(self, filename, globals);
        result = module == NULL ? -1 : 0;
        Py_DECREF(filename);
    }
    Py_DECREF(globals);
    if (module == NULL || module == Py_None) {
        return result;
    }
    PyCodeObject *code = PyFrame_GetCode(frame);
    if (self->mode & TRACER_LINES) {
        if (linelog_call(&self->log, module, code->co_name) < 0) {
            result = keep_log_trouble(self);
        }
    }
    *file = files_get(&self->files, code->co_filename);
    Py_DECREF(code);
    return *file == NULL ? -1 : result;
}

static int
on_call(TracerObject *self, PyFrameObject *frame)
{
    if (self->mode & (TRACER_FUNCTIONS | TRACER_CALLERS)) {
        int result = self->mode & TRACER_CALLERS
                         ? functions_called_by(&self->functions, frame)
                         : functions_called(&self->functions, frame);
        return result < 0 ? keep_trouble(self) : 0;
    }
    traced_file *file;
    int result = find_file(self, frame, &file);
    if (result == 0 && file != NULL) {
        if (xt_ptrmap_set(&self->frames, frame, file) != XT_OK) {
            PyErr_NoMemory();
            result = -1;
        }
    }
    else {
        /* A frame that ended unseen may have left its address behind. */
        xt_ptrmap_remove(&self->frames, frame);
    }
    self->hot_frame = frame;
    self->hot_file = result == 0 ? file : NULL;
    return result < 0 ? keep_trouble(self) : 0;
}

static int
on_return(TracerObject *self, PyFrameObject *frame)
{
    xt_ptrmap_remove(&self->frames, frame);
    self->hot_frame = NULL;
    return 0;
}

static int
on_line(TracerObject *self, PyFrameObject *frame)
{
    if (frame != self->hot_frame) {
        self->hot_frame = frame;
        self->hot_file = xt_ptrmap_get(&self->frames, frame);
    }
    traced_file *file = self->hot_file;
    if (file == NULL) {
        return 0;
    }
    int line = PyFrame_GetLineNumber(frame);
    int result = 0;
    if (self->mode & TRACER_COUNT) {
        if (files_hit(&self->files, file, line) < 0) {
            result = keep_trouble(self);
        }
    }
    if (self->mode & TRACER_LINES && result == 0) {
        if (linelog_line(&self->log, file, line) < 0) {
            result = keep_log_trouble(self);
        }
    }
    return result;
}

/* The trace function. Its object is the bound method `_event` of the tracer,
   so that sys.gettrace() shows something that sys.settrace() takes back. */
static int
on_event(PyObject *handle, PyFrameObject *frame, int what,
         PyObject *Py_UNUSED(arg))
{
    TracerObject *self = (TracerObject *)PyCFunction_GET_SELF(handle);
    switch (what) {
    case PyTrace_LINE:
        return on_line(self, frame);
    case PyTrace_CALL:
        return on_call(self, frame);
    case PyTrace_RETURN:
        return on_return(self, frame);
    default:
        return 0;
    }
}

/* --- Planning ---------------------------------------------------------- */

static int
plan_functions(TracerObject *self, PyFrameObject *outer, const char *name)
{
    function_table *table = &self->functions;
    functions_clear(table);
    PyObject *me = (PyObject *)self;
    table->outer = (PyFrameObject *)Py_XNewRef(outer);
    table->calledfuncs = PyObject_GetAttrString(me, "_calledfuncs");
    table->callers = PyObject_GetAttrString(me, "_callers");
    table->modname = PyObject_GetAttrString(me, "_modname");
    PyObject *file = PyObject_GetAttrString(me, "_own_file");
    if (file != NULL) {
        table->root = Py_BuildValue("(Oss)", file, "trace", name);
        Py_DECREF(file);
    }
    bool whole = table->calledfuncs != NULL && table->callers != NULL &&
                 table->modname != NULL && table->root != NULL;
    return whole ? 0 : -1;
}

static int
plan_lines(TracerObject *self)
{
    PyObject *start = PyObject_GetAttrString((PyObject *)self, "start_time");
    if (start == NULL) {
        return -1;
    }
    int result = linelog_init(&self->log, start);
    Py_DECREF(start);
    return result;
}

/* Asks the Python side what is wanted now, and gets ready for it. Returns 1
   when this engine can do it, 0 when a hook was replaced and the slow path
   must, -1 with an exception. `outer` may be NULL. */
static int
plan(TracerObject *self, PyFrameObject *outer, const char *name)
{
    PyObject *wanted = PyObject_CallMethod((PyObject *)self, "_plan", NULL);
    if (wanted == NULL) {
        return -1;
    }
    long mode = wanted == Py_None ? 0 : PyLong_AsLong(wanted);
    Py_DECREF(wanted);
    if (mode == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (mode == 0) {
        self->mode = 0;
        return 0;
    }
    if (self->runs > 0 && (long)self->mode == mode) {
        return 1;
    }
    PyDict_Clear(self->judged);
    if (mode & (TRACER_FUNCTIONS | TRACER_CALLERS) &&
        plan_functions(self, outer, name) < 0) {
        return -1;
    }
    if (mode & TRACER_LINES && plan_lines(self) < 0) {
        return -1;
    }
    self->mode = (unsigned)mode;
    return 1;
}

static PyObject *
make_handle(TracerObject *self)
{
    return PyObject_GetAttrString((PyObject *)self, "_event");
}

static void
install(TracerObject *self, PyObject *handle)
{
    self->hot_frame = NULL;
    PyEval_SetTrace(on_event, handle);
}

/* --- Runs -------------------------------------------------------------- */

/* What traced this thread and new threads before us; it comes back. */
typedef struct {
    Py_tracefunc func;
    PyObject *object; /* owned, or NULL */
    PyObject *hook;   /* owned: threading's trace function, or NULL */
} previous_trace;

static PyObject *
call_threading(const char *function, PyObject *argument)
{
    PyObject *threading = PyImport_ImportModule("threading");
    if (threading == NULL) {
        return NULL;
    }
    PyObject *result =
        argument == NULL
            ? PyObject_CallMethod(threading, function, NULL)
            : PyObject_CallMethod(threading, function, "O", argument);
    Py_DECREF(threading);
    return result;
}

static int
settrace_python(PyObject *function)
{
    PyObject *settrace = PySys_GetObject("settrace");
    if (settrace == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.settrace");
        return -1;
    }
    PyObject *done = PyObject_CallOneArg(settrace, function);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Starts to trace this thread and those that it starts. */
static int
begin(TracerObject *self, previous_trace *previous, const char *name)
{
    *previous = (previous_trace){0};
    int fast = plan(self, PyEval_GetFrame(), name);
    if (fast < 0) {
        return -1;
    }
    PyObject *function =
        fast ? make_handle(self)
             : PyObject_GetAttrString((PyObject *)self, "globaltrace");
    if (function == NULL) {
        return -1;
    }
    previous->hook = call_threading("gettrace", NULL);
    PyObject *set = previous->hook == NULL
                        ? NULL
                        : call_threading("settrace", function);
    int result = set == NULL ? -1 : 0;
    Py_XDECREF(set);
    if (result == 0) {
        PyThreadState *thread = PyThreadState_Get();
        previous->func = thread->c_tracefunc;
        previous->object = Py_XNewRef(thread->c_traceobj);
        self->runs++;
        if (fast) {
            install(self, function);
        }
        else {
            result = settrace_python(function);
        }
    }
    Py_DECREF(function);
    return result;
}

static int
report_trouble(TracerObject *self)
{
    PyObject *trouble = self->trouble;
    if (trouble == NULL) {
        return 0;
    }
    self->trouble = NULL;
    int result =
        PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                         "exactrace could not record everything: %R", trouble);
    Py_DECREF(trouble);
    return result;
}

/* Ends what begin() began, whether or not an exception is set: that stays. */
static int
end(TracerObject *self, previous_trace *previous)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyEval_SetTrace(previous->func, previous->object);
    self->hot_frame = NULL;
    self->runs--;
    Py_CLEAR(self->functions.outer);
    PyObject *set = call_threading("settrace", previous->hook);
    int result = set == NULL ? -1 : 0;
    Py_XDECREF(set);
    if (result == 0) {
        result = files_flush(&self->files, self->counts);
    }
    if (result == 0) {
        result = report_trouble(self);
    }
    Py_CLEAR(previous->object);
    Py_CLEAR(previous->hook);
    if (type != NULL) {
        PyErr_Restore(type, value, traceback);
    }
    return result;
}

static void
forget_previous(previous_trace *previous)
{
    Py_CLEAR(previous->object);
    Py_CLEAR(previous->hook);
}

/* Whether this tracer has nothing to do: -1 with an exception. */
static int
does_nothing(TracerObject *self)
{
    PyObject *flag = PyObject_GetAttrString((PyObject *)self, "donothing");
    if (flag == NULL) {
        return -1;
    }
    int result = PyObject_IsTrue(flag);
    Py_DECREF(flag);
    return result;
}

/* Calls `func` with tracing on. `name` is what the callers' report shows as
   its caller. */
static PyObject *
call_traced(TracerObject *self, const char *name, PyObject *func,
            PyObject *const *args, size_t nargs, PyObject *kwnames)
{
    int idle = does_nothing(self);
    if (idle < 0) {
        return NULL;
    }
    if (idle) {
        return PyObject_Vectorcall(func, args, nargs, kwnames);
    }
    previous_trace previous;
    if (begin(self, &previous, name) < 0) {
        forget_previous(&previous);
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(func, args, nargs, kwnames);
    if (end(self, &previous) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

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
    return call_traced(self, "Trace.runfunc", args[0], args + 1,
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

PyDoc_STRVAR(runctx_doc,
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
        exec = PyObject_GetAttrString(builtins, "exec");
    }
    if (code != NULL && exec != NULL) {
        PyObject *const parts[] = {code, globals, locals};
        result = call_traced(self, "Trace.runctx", exec, parts, 3, NULL);
    }
    Py_XDECREF(code);
    Py_XDECREF(exec);
    Py_XDECREF(builtins);
    Py_XDECREF(globals);
    Py_XDECREF(locals);
    return result;
}

PyDoc_STRVAR(run_doc, "run($self, cmd)\n--\n\n"
                      "Execute cmd (a string or a code object) in the module\n"
                      "__main__ while tracing.");

static PyObject *
tracer_run(TracerObject *self, PyObject *cmd)
{
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

static PyObject *
tracer_event(TracerObject *self, PyObject *const *args, Py_ssize_t nargs);

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
    int fast = self->mode != 0 ? 1 : plan(self, NULL, "Trace.runctx");
    if (fast <= 0) {
        return fast;
    }
    PyObject *handle = make_handle(self);
    if (handle == NULL) {
        return -1;
    }
    install(self, handle);
    Py_DECREF(handle);
    if (PyUnicode_CompareWithASCIIString(why, "call") == 0 &&
        on_call(self, (PyFrameObject *)frame) < 0) {
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

PyDoc_STRVAR(take_over_doc,
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
    else if (self->mode == 0) {
        Py_RETURN_FALSE; /* a run on the slow path, as planned */
    }
    int taken = take_over(self, args[0], args[1]);
    return taken < 0 ? NULL : PyBool_FromLong(taken);
}

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
    if (files_flush(&self->files, self->counts) < 0) {
        return NULL;
    }
    return Py_NewRef(self->counts);
}

static int
tracer_set_counts(TracerObject *self, PyObject *value, void *closure)
{
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "counts cannot be deleted");
        return -1;
    }
    PyObject *before = tracer_get_counts(self, closure);
    if (before == NULL) {
        return -1;
    }
    Py_DECREF(before);
    Py_SETREF(self->counts, Py_NewRef(value));
    return 0;
}

static PyObject *
tracer_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
           PyObject *Py_UNUSED(kwargs))
{
    TracerObject *self = (TracerObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->counts = PyDict_New();
    self->judged = PyDict_New();
    if (self->counts == NULL || self->judged == NULL ||
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
    int result = functions_traverse(&self->functions, visit, arg);
    return result != 0 ? result : linelog_traverse(&self->log, visit, arg);
}

static int
tracer_clear(TracerObject *self)
{
    Py_CLEAR(self->trouble);
    functions_clear(&self->functions);
    return 0;
}

static void
tracer_dealloc(TracerObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    tracer_clear(self);
    linelog_clear(&self->log);
    Py_CLEAR(self->counts);
    Py_CLEAR(self->judged);
    files_fini(&self->files);
    xt_ptrmap_fini(&self->frames);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef tracer_methods[] = {
    {"run", (PyCFunction)tracer_run, METH_O, run_doc},
    {"runctx", (PyCFunction)(void (*)(void))tracer_runctx,
     METH_VARARGS | METH_KEYWORDS, runctx_doc},
    {"runfunc", (PyCFunction)(void (*)(void))tracer_runfunc,
     METH_FASTCALL | METH_KEYWORDS, runfunc_doc},
    {"_event", (PyCFunction)(void (*)(void))tracer_event, METH_FASTCALL,
     event_doc},
    {"_take_over", (PyCFunction)(void (*)(void))tracer_take_over,
     METH_FASTCALL, take_over_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef tracer_getset[] = {
    {"counts", (getter)tracer_get_counts, (setter)tracer_set_counts,
     "How often each line ran: {(file name, line number): hits}", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(tracer_doc,
             "The settrace engine. Subclasses say in _plan() what is wanted\n"
             "and in _judge() which files are.");

static PyType_Slot tracer_slots[] = {
    {Py_tp_doc, (void *)tracer_doc},
    {Py_tp_new, tracer_new},
    {Py_tp_traverse, tracer_traverse},
    {Py_tp_clear, tracer_clear},
    {Py_tp_dealloc, tracer_dealloc},
    {Py_tp_methods, tracer_methods},
    {Py_tp_getset, tracer_getset},
    {0, NULL},
};

static PyType_Spec tracer_spec = {
    .name = "exactrace._native.Tracer",
    .basicsize = sizeof(TracerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = tracer_slots,
};

static PyMethodDef tracer_functions[] = {
    {"function_name", function_name, METH_VARARGS, function_name_doc},
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
        PyModule_AddIntConstant(module, "CALLERS", TRACER_CALLERS) < 0) {
        return -1;
    }
    return 0;
}
