// SPDX-License-Identifier: Apache-2.0
/* Where versions of CPython differ. PY_VERSION_HEX occurs nowhere else. */
#ifndef XT_COMPAT_H
#define XT_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

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

/* The second number of the version: its bytecode differs from all others. */
#define COMPAT_MINOR PY_MINOR_VERSION

#ifdef Py_GIL_DISABLED
#define COMPAT_HAS_GIL 0
#else
#define COMPAT_HAS_GIL 1
#endif

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
