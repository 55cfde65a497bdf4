// SPDX-License-Identifier: Apache-2.0
#include "calllog.h"

#include <opcode.h>

#include "frame.h"
#include "shortrepr.h"
#include "variables.h"

/* How many of a code object's variables are its arguments. */
static int
count_arguments(const PyCodeObject *code)
{
    return code->co_argcount + code->co_kwonlyargcount +
           ((code->co_flags & CO_VARARGS) != 0) +
           ((code->co_flags & CO_VARKEYWORDS) != 0);
}

static const char *
stars(const PyCodeObject *code, int number)
{
    int plain = code->co_argcount + code->co_kwonlyargcount;
    if (number < plain) {
        return "";
    }
    return number == plain && code->co_flags & CO_VARARGS ? "*" : "**";
}

static int
add_argument(xt_buf *buf, const char *before, const char *mark, PyObject *name,
             PyObject *value)
{
    return shortrepr_add_text(buf, before) < 0 ||
                   shortrepr_add_text(buf, mark) < 0 ||
                   shortrepr_add_str(buf, name) < 0 ||
                   shortrepr_add_text(buf, "=") < 0 ||
                   shortrepr_add(buf, value) < 0
               ? -1
               : 0;
}

static int
add_arguments(xt_buf *buf, PyFrameObject *frame, PyCodeObject *code)
{
    PyObject *pairs = variables_of(frame, code);
    if (pairs == NULL) {
        return -1;
    }
    /* They come first, in the order of the code's names. */
    int result = 0;
    int count = count_arguments(code);
    const char *before = "";
    Py_ssize_t at = 0;
    for (int i = 0; result == 0 && i < count && at < PyList_GET_SIZE(pairs);
         i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, at);
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        if (PyTuple_GET_ITEM(pair, 0) != name) {
            continue;
        }
        at++;
        if (PyUnicode_READ_CHAR(name, 0) == '.') {
            continue; /* ".0", what a comprehension goes through */
        }
        result = add_argument(buf, before, stars(code, i), name,
                              PyTuple_GET_ITEM(pair, 1));
        before = ", ";
    }
    Py_DECREF(pairs);
    return result;
}

int
calllog_add_call(xt_buf *buf, PyObject *label, PyFrameObject *frame,
                 PyCodeObject *code, bool resumed)
{
    if (shortrepr_add_text(buf, " --> ") < 0 ||
        shortrepr_add_str(buf, label) < 0) {
        return -1;
    }
    if (resumed) {
        return shortrepr_add_text(buf, " resumed\n");
    }
    if ((code->co_flags & CO_OPTIMIZED) == 0) {
        return shortrepr_add_text(buf, "\n"); /* a module, or a class */
    }
    if (shortrepr_add_text(buf, "(") < 0 ||
        add_arguments(buf, frame, code) < 0) {
        return -1;
    }
    return shortrepr_add_text(buf, ")\n");
}

int
calllog_add_end(xt_buf *buf, PyObject *label, calllog_end end, PyObject *value)
{
    static const char *const verbs[] = {
        [CALLLOG_RETURNS] = " returns ",
        [CALLLOG_YIELDS] = " yields ",
        [CALLLOG_RAISES] = " raises ",
    };
    if (shortrepr_add_text(buf, " <-- ") < 0 ||
        shortrepr_add_str(buf, label) < 0 ||
        shortrepr_add_text(buf, verbs[end]) < 0) {
        return -1;
    }
    int result;
    if (value == NULL) {
        result = shortrepr_add_text(buf, "an exception");
    }
    else {
        result = end == CALLLOG_RAISES ? shortrepr_add_str(buf, value)
                                       : shortrepr_add(buf, value);
    }
    return result < 0 ? -1 : shortrepr_add_text(buf, "\n");
}

int
calllog_add_exception(xt_buf *buf, PyObject *arg)
{
    if (arg == NULL || !PyTuple_Check(arg) || PyTuple_GET_SIZE(arg) < 2) {
        return 0;
    }
    return shortrepr_add_text(buf, " *** ") < 0 ||
                   shortrepr_add_exception(buf, PyTuple_GET_ITEM(arg, 0),
                                           PyTuple_GET_ITEM(arg, 1)) < 0
               ? -1
               : shortrepr_add_text(buf, "\n");
}

/* The instruction at which a frame stands: its number and argument, or -1. */
static int
instruction_of(PyFrameObject *frame, PyCodeObject *code, int *argument)
{
    int offset = PyFrame_GetLasti(frame);
    PyObject *bytes = offset < 0 ? NULL : PyCode_GetCode(code);
    int number = -1;
    if (bytes != NULL && offset + 1 < PyBytes_GET_SIZE(bytes)) {
        number = (unsigned char)PyBytes_AS_STRING(bytes)[offset];
        *argument = (unsigned char)PyBytes_AS_STRING(bytes)[offset + 1];
    }
    Py_XDECREF(bytes);
    PyErr_Clear();
    return number;
}

bool
calllog_is_resumed(PyFrameObject *frame, PyCodeObject *code)
{
    if (!frame_is_in_generator(code)) {
        return false;
    }
    int argument = 0;
    int number = instruction_of(frame, code, &argument);
    return number >= 0 && (number != RESUME || (argument & 3) != 0);
}

calllog_end
calllog_how_left(PyFrameObject *frame, PyCodeObject *code, bool raising)
{
    int argument = 0;
    int number = instruction_of(frame, code, &argument);
    bool returns = number == RETURN_VALUE;
#ifdef RETURN_CONST
    returns = returns || number == RETURN_CONST;
#endif
    if (returns) {
        return CALLLOG_RETURNS;
    }
    /* From 3.13 on a frame that yields stands behind that already. */
    bool yields =
        number == YIELD_VALUE || (number == RESUME && (argument & 3) != 0);
    return yields && !raising ? CALLLOG_YIELDS : CALLLOG_RAISES;
}
