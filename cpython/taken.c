// SPDX-License-Identifier: Apache-2.0
#include "taken.h"

#include "engine.h"
#include "mem.h"
#include "parts.h"

enum { PARTS = 4 };

static int
bring_in(TracerObject *tracer)
{
    if ((tracer->engine != NULL &&
         engine_harvest(tracer->engine, tracer) < 0) ||
        session_flush(tracer) < 0) {
        return -1;
    }
    return functions_flush(&tracer->functions);
}

/* A tuple of copies of the dicts, which are then cleared. */
static PyObject *
hand_over(PyObject *const *dicts)
{
    PyObject *taken = PyTuple_New(PARTS);
    for (Py_ssize_t i = 0; taken != NULL && i < PARTS; i++) {
        PyObject *copy = PyDict_Copy(dicts[i]);
        if (copy == NULL) {
            Py_CLEAR(taken);
            break;
        }
        PyTuple_SET_ITEM(taken, i, copy);
    }
    for (Py_ssize_t i = 0; taken != NULL && i < PARTS; i++) {
        PyDict_Clear(dicts[i]);
    }
    return taken;
}

PyObject *
taken_all(TracerObject *tracer)
{
    /* Before 3.12 it may run the program's finalizers wherever a dict grows.
     */
    int collects = PyGC_Disable();
    sync_enter(&tracer->section);
    PyObject *taken = NULL;
    if (bring_in(tracer) == 0) {
        PyObject *const dicts[PARTS] = {tracer->counts, tracer->branches,
                                        tracer->calls, tracer->call_graph};
        if (PyDict_Check(tracer->counts)) {
            taken = hand_over(dicts);
        }
        else {
            PyErr_SetString(PyExc_TypeError, "counts is no dict any more");
        }
    }
    sync_leave(&tracer->section);
    if (collects) {
        (void)PyGC_Enable();
    }
    return taken;
}

const char taken_doc[] = PyDoc_STR(
    "_take($self, /)\n--\n\n"
    "(counts, branches, calls, call_graph) since the last time, all as of\n"
    "one moment.");

PyObject *
taken_by_caller(TracerObject *tracer, PyObject *Py_UNUSED(ignored))
{
    return taken_all(tracer);
}

/* --- Contexts -------------------------------------------------------------
 */

/* parts.setdefault(name, []).append(rows) */
static int
append_rows(PyObject *parts, PyObject *name, const parted_rows *rows)
{
    PyObject *list = PyDict_GetItemWithError(parts, name);
    if (list == NULL && !PyErr_Occurred()) {
        PyObject *made = PyList_New(0);
        if (made != NULL && PyDict_SetItem(parts, name, made) == 0) {
            list = made; /* borrowed from the dict now */
        }
        Py_XDECREF(made);
    }
    PyObject *bytes =
        list == NULL ? NULL
                     : PyBytes_FromStringAndSize(
                           (const char *)rows->items,
                           (Py_ssize_t)(rows->len * sizeof(*rows->items)));
    int result = bytes == NULL ? -1 : PyList_Append(list, bytes);
    Py_XDECREF(bytes);
    return result;
}

/* A context that ends. */
typedef struct {
    PyObject *numbers; /* borrowed, as the others: as in taken_context_doc */
    PyObject *parts;
    PyObject *name;
    int64_t number; /* of the context; -1: none */
} ending_context;

/* Parts what is in one table. */
static int
part(const ending_context *context, file_table *files)
{
    parted_rows rows = {0};
    bool in_none = context->number < 0;
    int result = parts_take(files, context->numbers, context->number,
                            in_none ? NULL : &rows);
    if (result == 0 && rows.len > 0) {
        result = append_rows(context->parts, context->name, &rows);
    }
    xt_free(rows.items);
    return result;
}

static int
end_context(TracerObject *tracer, const ending_context *context)
{
    if (tracer->engine != NULL &&
        engine_harvest_lines(tracer->engine, tracer) < 0) {
        return -1;
    }
    int result = part(context, &tracer->files);
#ifdef Py_GIL_DISABLED
    thread_lane *lane = NULL;
    while (result == 0 && (lane = lanes_next(&tracer->lanes, lane)) != NULL) {
        result = part(context, &lane->files);
    }
#endif
    return result;
}

const char taken_context_doc[] = PyDoc_STR(
    "_end_context($self, numbers, parts, name, /)\n--\n\n"
    "Note that all lines that were counted since the last time, or since\n"
    "they were taken, are of this context; \"\": of none. numbers: a dict\n"
    "{str: number} of contexts and files, where new ones get the next\n"
    "number. parts: a dict of lists; to that of the context, rows are added\n"
    "if there are any: bytes of four int64 for each line, the number of the\n"
    "context and of the file, the line, and how often it ran. A line is\n"
    "there once in each of the bytes, of which there can be several.");

PyObject *
taken_end_context(TracerObject *tracer, PyObject *args)
{
    ending_context context = {.number = -1};
    if (!PyArg_ParseTuple(args, "O!O!U:_end_context", &PyDict_Type,
                          &context.numbers, &PyDict_Type, &context.parts,
                          &context.name)) {
        return NULL;
    }
    if (PyUnicode_GET_LENGTH(context.name) > 0) {
        context.number = parts_number(context.numbers, context.name);
        if (context.number < 0) {
            return NULL;
        }
    }
    int collects = PyGC_Disable(); /* as in taken_all() */
    sync_enter(&tracer->section);
    int result = end_context(tracer, &context);
    sync_leave(&tracer->section);
    if (collects) {
        (void)PyGC_Enable();
    }
    if (result < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
