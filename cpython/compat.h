// SPDX-License-Identifier: Apache-2.0
/* Where versions of CPython differ. PY_VERSION_HEX occurs nowhere else. */
#ifndef XT_COMPAT_H
#define XT_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* How the standard module prints "file(line): source" (changed in 3.13):
   what stands between the number and the source, and what follows the number
   when there is no source. */
#if PY_VERSION_HEX >= 0x030D0000
#define COMPAT_BEFORE_SOURCE ":  "
#define COMPAT_NO_SOURCE "\n"
#else
#define COMPAT_BEFORE_SOURCE ": "
#define COMPAT_NO_SOURCE ": "
#endif

/* Frames: the thread's topmost one, and what stands below its first. */
static inline struct _PyInterpreterFrame **
compat_top_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030D0000
    return &thread->current_frame;
#else
    return &thread->cframe->current_frame;
#endif
}

static inline struct _PyInterpreterFrame *
compat_bottom_frame(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030F0000
    return thread->base_frame;
#else
    (void)thread;
    return NULL;
#endif
}

/* The bits of a frame's references that are not part of the pointer; any bit
   set there means that the reference is not counted. */
#if PY_VERSION_HEX >= 0x030E0000
#define COMPAT_FRAME_TAGS 3
#else
#define COMPAT_FRAME_TAGS 0
#endif

/* The version by which call sites know a function, after its code has been
   replaced by an equal one: CPython gives up specialising calls of a function
   whose code was set, unless it has the version of a fresh one (3.13, Objects/
   funcobject.c). */
static inline void
compat_renew_version(PyObject *function, uint32_t before, PyCodeObject *from,
                     PyCodeObject *to)
{
#if PY_VERSION_HEX >= 0x030D0000
    if (before == from->co_version) {
        ((PyFunctionObject *)function)->func_version = to->co_version;
    }
#else
    (void)function;
    (void)before;
    (void)from;
    (void)to;
#endif
}

/* Makes a new object immortal: its references are not counted any more. */
static inline void
compat_make_immortal(PyObject *object)
{
#if PY_VERSION_HEX >= 0x030F0000
    (void)PyUnstable_SetImmortal(object);
#elif PY_VERSION_HEX >= 0x030E0000
    Py_SET_REFCNT(object, (Py_ssize_t)_Py_IMMORTAL_INITIAL_REFCNT);
#elif PY_VERSION_HEX >= 0x030C0000
    Py_SET_REFCNT(object, (Py_ssize_t)_Py_IMMORTAL_REFCNT);
#else
    (void)object;
#endif
}

/* What the module can do: each interpreter may have one, with its own GIL, and
   none needs a GIL (sync.h). */
#ifdef Py_GIL_DISABLED
#define COMPAT_MODULE_SLOTS                                                   \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},     \
        {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#elif PY_VERSION_HEX >= 0x030C0000
#define COMPAT_MODULE_SLOTS                                                   \
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#else
#define COMPAT_MODULE_SLOTS
#endif

/* Where a running frame of 3.11 or 3.12 has its variables, one place for each
   of co_localsplusnames: there, PyFrame_GetLocals() would leave them in a dict
   that keeps them alive. NULL where it does not. */
#if PY_VERSION_HEX >= 0x030D0000
static inline PyObject **
compat_fast_locals(PyFrameObject *frame, PyCodeObject *code)
{
    (void)frame;
    (void)code;
    return NULL;
}
#else
/* struct _PyInterpreterFrame, in Include/internal/pycore_frame.h */
typedef struct {
#if PY_VERSION_HEX >= 0x030C0000
    PyCodeObject *code;
    void *previous;
    PyObject *function;
#else
    PyObject *function;
#endif
    PyObject *globals;
    PyObject *builtins;
    PyObject *locals;
#if PY_VERSION_HEX < 0x030C0000
    PyCodeObject *code;
#endif
    PyFrameObject *object;
#if PY_VERSION_HEX < 0x030C0000
    void *previous;
#endif
    void *instr;
    int stacktop;
#if PY_VERSION_HEX >= 0x030C0000
    uint16_t return_offset;
#else
    bool is_entry;
#endif
    char owner;
    PyObject *places[1];
} compat_frame;

static inline PyObject **
compat_fast_locals(PyFrameObject *frame, PyCodeObject *code)
{
    struct {
        PyObject_HEAD
        PyFrameObject *back;
        compat_frame *inner;
    } *object = (void *)frame;
    compat_frame *inner = object->inner;
    return inner->code == code && inner->object == frame ? inner->places
                                                         : NULL;
}
#endif

/* The second number of the version: its bytecode differs from all others. */
#define COMPAT_MINOR PY_MINOR_VERSION

/* Whether events on exceptions come for code that is not prepared for events:
   they are no local events before 3.15 (Python/ceval.c). */
#if PY_VERSION_HEX >= 0x030F0000
#define COMPAT_EXCEPTIONS_ARE_GLOBAL 0
#else
#define COMPAT_EXCEPTIONS_ARE_GLOBAL 1
#endif

#ifdef Py_GIL_DISABLED
#define COMPAT_HAS_GIL 0
#else
#define COMPAT_HAS_GIL 1
#endif

/* Whether changes of dicts can be noticed; of use only where no other thread
   can change them at any time. */
#define COMPAT_HAS_WATCHERS (COMPAT_HAS_GIL && PY_VERSION_HEX >= 0x030C0000)

/* Without the GIL the collector must find every frame, from 3.14 on: they keep
   references that are not counted. */
#define COMPAT_CAN_HIDE_FRAMES (COMPAT_HAS_GIL || PY_VERSION_HEX < 0x030E0000)

/* How many more levels of recursion this thread has left, and of how many. */
static inline int *
compat_depth_left(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030C0000
    return &thread->py_recursion_remaining;
#else
    return &thread->recursion_remaining;
#endif
}

static inline const int *
compat_depth_limit(PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030C0000
    return &thread->py_recursion_limit;
#else
    return &thread->recursion_limit;
#endif
}

/* How many of them go to functions in C: the two with which a tracer runs a
   program's code, where Python needs none. */
#if PY_VERSION_HEX >= 0x030C0000
#define COMPAT_DEPTH_OF_EXEC 0
#else
#define COMPAT_DEPTH_OF_EXEC 2
#endif

/* dict[key] = value where there is no such key, else *before is what it has, a
   new reference. -1 with an exception. */
static inline int
compat_dict_put(PyObject *dict, PyObject *key, PyObject *value,
                PyObject **before)
{
#if PY_VERSION_HEX >= 0x030E0000 || defined(Py_GIL_DISABLED)
    PyObject *there;
    int was = PyDict_SetDefaultRef(dict, key, value, &there);
    if (was == 0) {
        Py_DECREF(there);
    }
    *before = was > 0 ? there : NULL;
    return was < 0 ? -1 : 0;
#else
    /* PyDict_SetDefaultRef() of 3.13 says that all is well when it is out of
       memory, and leaves a dict that is broken. */
    *before = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    if (*before != NULL) {
        return 0;
    }
    return PyErr_Occurred() ? -1 : PyDict_SetItem(dict, key, value);
#endif
}

/* Whether an uncaught exception has Python die of SIGINT. */
static inline int
compat_is_interrupt(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030E0000
    return PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt);
#else
    return (PyObject *)Py_TYPE(exception) == PyExc_KeyboardInterrupt;
#endif
}

/* Reports an exception that has ended a thread, which began with the function.
 */
static inline void
compat_report_thread(PyObject *function)
{
#if PY_VERSION_HEX >= 0x030D0000
    PyErr_FormatUnraisable("Exception ignored in thread started by %R",
                           function);
#else
    _PyErr_WriteUnraisableMsg("in thread started by", function);
#endif
}

/* Whether a thread has no trace function, and may be given one. Those that are
   about to end need none. Without the GIL that cannot be asked: the bits
   beside change while a thread is not attached, whether or not all are
   stopped. One that is stopped in the last finalizers of all, those of its
   context, is then taken for a traced one for ever, as by
   PyEval_SetTraceAllThreads(). */
static inline bool
compat_is_untraced(const PyThreadState *thread)
{
#if PY_VERSION_HEX >= 0x030C0000 && !defined(Py_GIL_DISABLED)
    if (thread->_status.finalizing) {
        return false;
    }
#endif
    return thread->c_tracefunc == NULL;
}

/* Gives a thread that has no trace function one. Nothing runs meanwhile. */
static inline void
compat_put_trace(PyThreadState *thread, Py_tracefunc func, PyObject *object)
{
    thread->c_traceobj = Py_NewRef(object);
    thread->c_tracefunc = func;
#if PY_VERSION_HEX < 0x030C0000
    if (thread->tracing == 0) {
        thread->cframe->use_tracing = 255;
    }
#endif
}

/* Whether there are events for trace functions only while an interpreter has
   threads that are traced, of which it keeps the number. */
#if PY_VERSION_HEX >= 0x030C0000
#define COMPAT_COUNTS_TRACED true
#else
#define COMPAT_COUNTS_TRACED false
#endif

#ifdef Py_GIL_DISABLED
typedef struct {
    void (*function)(void *);
    void *argument;
} compat_call;

static inline int
compat_call_once(PyObject *object, void *argument)
{
    (void)object;
    compat_call *self = (compat_call *)argument;
    self->function(self->argument);
    return 0; /* the first object will do */
}

/* Calls the function while no other thread of this interpreter runs, begins or
   ends. It must neither make nor free what Python manages. */
static inline void
compat_call_alone(void (*function)(void *), void *argument)
{
    /* What looks at all objects does so in a world that is stopped, and with
       the list of threads locked (Python/gc_free_threading.c). */
    compat_call call = {function, argument};
    PyUnstable_GC_VisitObjects(compat_call_once, &call);
}
#else
static inline void
compat_call_alone(void (*function)(void *), void *argument)
{
    function(argument); /* nobody else has the GIL */
}
#endif

/* Reports the exception that threading._shutdown() has raised. */
static inline void
compat_report_shutdown(PyObject *threading)
{
#if PY_VERSION_HEX >= 0x030D0000
    (void)threading;
    PyErr_FormatUnraisable("Exception ignored on threading shutdown");
#else
    PyErr_WriteUnraisable(threading);
#endif
}

#endif
