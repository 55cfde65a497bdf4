// SPDX-License-Identifier: Apache-2.0
/* The interpreter's own frames: the head of struct _PyInterpreterFrame, which
 * is the same in CPython 3.12 to 3.15 (Include/internal/pycore_frame.h and
 * pycore_interpframe_structs.h). Only frames of code that was seen running are
 * looked at, and what is read here is checked against what CPython's API says
 * before anything is changed.
 */
#ifndef XT_FRAME_H
#define XT_FRAME_H

#include "compat.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct frame_head {
    uintptr_t executable;        /* strong; from 3.14 on with a tag */
    struct frame_head *previous; /* the caller's, or NULL */
    uintptr_t function;          /* strong; from 3.14 on with a tag */
    PyObject *globals;           /* borrowed, as are all below */
    PyObject *builtins;
    PyObject *locals;
    PyFrameObject *object; /* NULL: nobody has asked for it */
    uint16_t *instr;       /* the code unit that runs; see frame_offset() */
} frame_head;

static inline PyObject *
frame_untag(uintptr_t reference)
{
    return (PyObject *)(reference & ~(uintptr_t)COMPAT_FRAME_TAGS);
}

/* The code object that runs in a frame, borrowed; NULL in a frame that
   belongs to the interpreter itself. */
static inline PyCodeObject *
frame_code(const frame_head *frame)
{
    PyObject *code = frame_untag(frame->executable);
    return code != NULL && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
}

static inline uint16_t *
frame_code_start(PyCodeObject *code)
{
    return (uint16_t *)(void *)code->co_code_adaptive;
}

/* Where a frame stands, in code units: what f_lasti shows, halved. On 3.12
   this may be an inline cache, or one before the next instruction. */
static inline Py_ssize_t
frame_offset(const frame_head *frame, PyCodeObject *code)
{
    return frame->instr - frame_code_start(code);
}

/* The topmost frame of a thread, or NULL. */
static inline frame_head *
frame_top(PyThreadState *thread)
{
    return (frame_head *)(void *)*compat_top_frame(thread);
}

/* The frame whose code has called that of this one, or NULL. Frames that have
   not begun, and those that belong to the interpreter, are passed over, as
   PyFrame_GetBack() does. */
static inline const frame_head *
frame_caller(const frame_head *frame)
{
    const frame_head *back = frame->previous;
    while (back != NULL) {
        PyCodeObject *code = frame_code(back);
        if (code != NULL &&
            frame_offset(back, code) >= code->_co_firsttraceable) {
            break;
        }
        back = back->previous;
    }
    return back;
}

/* The head of struct _frame (pycore_frame.h, 3.12 to 3.15). */
typedef struct {
    PyObject_HEAD
    PyFrameObject *back; /* strong, once the frame has ended; or NULL */
    frame_head *frame;
} frame_object_head;

/* The frame that a frame object shows. Its previous one may be out of date, as
   it is in a suspended greenlet. */
static inline const frame_head *
frame_of(PyFrameObject *object)
{
    return ((const frame_object_head *)(const void *)object)->frame;
}

/* The caller's frame object, to which that of a frame that has ended holds a
   reference; borrowed, or NULL. */
static inline const PyFrameObject *
frame_object_back(PyFrameObject *object)
{
    return ((const frame_object_head *)(const void *)object)->back;
}

/* Whether code runs in frames that are a part of a generator, a coroutine or
   an asynchronous generator, and so cannot grow. */
static inline bool
frame_is_in_generator(const PyCodeObject *code)
{
    return (code->co_flags &
            (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

/* Has the running frame, which stands at its RESUME in `original` and has just
   reported so, go on in `code` at the code unit `unit`. `code` must have the
   same variables; what it needs more of the stack is made. False, with nothing
   changed, when the frame is not what it should be or there is no room. */
bool frame_switch_code(frame_head *frame, PyCodeObject *original,
                       Py_ssize_t offset, PyCodeObject *code, uint32_t unit);

#endif
