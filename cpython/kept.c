// SPDX-License-Identifier: Apache-2.0
#include "kept.h"

#include "compat.h"
#include "errors.h"
#include "journal_read.h"
#include "keptcode.h"
#include "mem.h"
#include "pages.h"
#include "plan.h"
#include "recover.h"
#include "taken.h"

#ifndef _WIN32
#include <pthread.h>
#endif

/* The only one, borrowed. Guarded by the GIL of the main interpreter. */
static kept_file *forking;

bool
kept_string(xt_journal *journal, PyObject *text, uint32_t *number)
{
    Py_ssize_t len;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes != NULL) {
        return xt_journal_string(journal, bytes, (size_t)len, number);
    }
    PyErr_Clear(); /* lone surrogates */
    PyObject *encoded =
        PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (encoded == NULL) {
        PyErr_Clear();
        return false;
    }
    bool done = xt_journal_string(journal, PyBytes_AS_STRING(encoded),
                                  (size_t)PyBytes_GET_SIZE(encoded), number);
    Py_DECREF(encoded);
    return done;
}

/* --- Forks --------------------------------------------------------------- */

static void
before_fork(void)
{
    /* A thread without the GIL is none of Python's, and its child runs no
       Python. */
    if (forking != NULL && PyGILState_Check()) {
        xt_journal_before_fork(&forking->journal);
    }
}

static void
in_parent(void)
{
    if (forking != NULL) {
        xt_journal_in_parent(&forking->journal);
    }
}

void
kept_in_child(void)
{
    if (forking != NULL) {
        xt_journal_in_child(&forking->journal);
    }
}

static void
watch_forks(kept_file *journal)
{
#ifndef _WIN32
    static bool registered;
    if (journal != NULL && !registered) {
        registered =
            pthread_atfork(before_fork, in_parent, kept_in_child) == 0;
    }
#endif
    forking = journal;
}

/* --- Opening and closing ------------------------------------------------- */

void
kept_close(TracerObject *tracer)
{
    kept_file *self = tracer->kept;
    if (self == NULL) {
        return;
    }
    tracer->kept = NULL;
    pages_end(&tracer->files);
    functions_keep(&tracer->functions, NULL);
    watch_forks(NULL);
    if (!keptcode_end(tracer, self)) {
        return; /* no memory for what is counted there: it stays mapped */
    }
    xt_journal_close(&self->journal);
    xt_free(self);
}

/* Writes pairs of strings. -1 with an exception if they are none. */
static int
add_notes(xt_journal *journal, PyObject *notes)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(notes); i++) {
        const char *key, *value;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(notes, i), "ss", &key,
                              &value)) {
            return -1;
        }
        (void)xt_journal_note(journal, key, value);
    }
    return 0;
}

/* A new file in which nothing counts yet. NULL with an exception. */
static kept_file *
open_at(const char *path, unsigned int mode, PyObject *notes)
{
    const xt_journal_about about = {
        .minor = COMPAT_MINOR,
        .flow = XT_FLOW_VERSION,
        .branches = (mode & TRACER_BRANCHES) != 0,
        .calls = (mode & TRACER_CALLS) != 0,
    };
    kept_file *self = xt_malloc(sizeof(*self));
    if (self == NULL) {
        (void)PyErr_NoMemory();
        return NULL;
    }
    *self = (kept_file){0};
    xt_status status = xt_journal_open(&self->journal, path, &about);
    if (status == XT_OK && add_notes(&self->journal, notes) == 0) {
        return self;
    }
    if (status == XT_OK) {
        xt_journal_discard(&self->journal);
    }
    else if (status == XT_IO) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
    }
    else {
        errors_raise(status, "counts file");
    }
    xt_free(self);
    return NULL;
}

/* Goes on in another file. Returns what was counted until then, in the order
   of kept_begin_doc; NULL with an exception, and nothing is changed. */
static PyObject *
go_on_in(TracerObject *tracer, kept_file *next)
{
    int collects = PyGC_Disable(); /* as in taken_all() */
    PyObject *taken = taken_all(tracer);
    bool whole = tracer->kept == NULL || !tracer->kept->journal.full;
    if (taken != NULL) {
        kept_close(tracer);
        tracer->kept = next;
        watch_forks(next);
        pages_begin(&tracer->files, &next->journal);
        functions_keep(&tracer->functions, &next->journal);
        keptcode_begin(tracer);
    }
    if (collects) {
        (void)PyGC_Enable();
    }
    return taken == NULL
               ? NULL
               : Py_BuildValue("(NN)", taken, PyBool_FromLong(whole));
}

const char kept_begin_doc[] = PyDoc_STR(
    "_keep_in($self, path, mode, notes, /)\n--\n\n"
    "Have what is counted from now on stand in a new file while it is\n"
    "counted. mode: what _plan() will return. notes: pairs of strings.\n"
    "Returns what _take() would, of the same moment, and whether there was\n"
    "room for all of it in the file before. Raises OSError, and\n"
    "RuntimeError where another tracer has such a file or there can be\n"
    "none: then all goes on as before.");

PyObject *
kept_begin(TracerObject *tracer, PyObject *args)
{
    PyObject *path, *notes;
    unsigned int mode;
    if (!PyArg_ParseTuple(args, "O&IO!:_keep_in", PyUnicode_FSConverter, &path,
                          &mode, &PyTuple_Type, &notes)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (forking != tracer->kept || !COMPAT_HAS_GIL ||
        PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError, "counts are not kept in a file");
    }
    else {
        kept_file *next = open_at(PyBytes_AS_STRING(path), mode, notes);
        result = next == NULL ? NULL : go_on_in(tracer, next);
        if (next != NULL && tracer->kept != next) {
            xt_journal_discard(&next->journal);
            xt_free(next);
        }
    }
    Py_DECREF(path);
    return result;
}

const char kept_in_doc[] =
    PyDoc_STR("The path of the file that _keep_in() has made, or None.");

PyObject *
kept_get_path(TracerObject *tracer, void *Py_UNUSED(closure))
{
    return tracer->kept == NULL
               ? Py_NewRef(Py_None)
               : PyUnicode_DecodeFSDefault(tracer->kept->journal.path);
}

const char kept_end_doc[] = PyDoc_STR(
    "_keep_no_more($self, /)\n--\n\n"
    "End what _keep_in() began, if it did; the file stays. Returns whether\n"
    "there was room for all counts.");

PyObject *
kept_end(TracerObject *tracer, PyObject *Py_UNUSED(ignored))
{
    bool whole = tracer->kept == NULL || !tracer->kept->journal.full;
    kept_close(tracer);
    return PyBool_FromLong(whole);
}

/* --- Reading ------------------------------------------------------------- */

static PyObject *
raise_fault(xt_status status, const xt_tables_fault *fault)
{
    if (fault->what == NULL) {
        return errors_raise(status, "counts file");
    }
    const char *what =
        status == XT_UNSUPPORTED ? "unknown kind of" : "damaged";
    return PyErr_Format(PyExc_ValueError, "%s counts file: byte %zu: %s", what,
                        fault->offset, fault->what);
}

PyDoc_STRVAR(recover_doc,
             "recover(data, /)\n--\n\n"
             "The bytes of a counts file with what a process had counted in\n"
             "this one, or None if it does not begin as one in which a\n"
             "process counts. Raises ValueError when it is damaged, or made\n"
             "by another version.");

static PyObject *
recover(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!xt_journal_is_file(view.buf, (size_t)view.len)) {
        result = Py_NewRef(Py_None);
    }
    else {
        xt_buf out = {0};
        xt_tables_fault fault = {0};
        xt_status status;
        Py_BEGIN_ALLOW_THREADS status =
            xt_recover(view.buf, (size_t)view.len, &out, &fault);
        Py_END_ALLOW_THREADS result =
            status == XT_OK
                ? PyBytes_FromStringAndSize(out.bytes, (Py_ssize_t)out.len)
                : raise_fault(status, &fault);
        xt_buf_fini(&out);
    }
    PyBuffer_Release(&view);
    return result;
}

PyDoc_STRVAR(
    header_doc,
    "journal_header(data, /)\n--\n\n"
    "(process, its start in clock ticks, time in seconds since 1970,\n"
    "3.x of Python, whether all counts had room) of such a file, or\n"
    "None. Raises ValueError.");

static PyObject *
journal_header(PyObject *Py_UNUSED(module), PyObject *data)
{
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!xt_journal_is_file(view.buf, (size_t)view.len)) {
        result = Py_NewRef(Py_None);
    }
    else {
        xt_journal_header header;
        xt_tables_fault fault = {0};
        xt_status status = xt_journal_read_header(view.buf, (size_t)view.len,
                                                  &header, &fault);
        result =
            status == XT_OK
                ? Py_BuildValue(
                      "(KKKIN)", (unsigned long long)header.pid,
                      (unsigned long long)header.started,
                      (unsigned long long)header.began, header.minor,
                      PyBool_FromLong((header.flags & XT_JOURNAL_FULL) == 0))
                : raise_fault(status, &fault);
    }
    PyBuffer_Release(&view);
    return result;
}

PyMethodDef kept_methods[] = {
    {"recover", recover, METH_O, recover_doc},
    {"journal_header", journal_header, METH_O, header_doc},
    {NULL, NULL, 0, NULL},
};
