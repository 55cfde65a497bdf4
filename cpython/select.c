// SPDX-License-Identifier: Apache-2.0
#include "select.h"

#include <osdefs.h> // SEP

#include "errors.h"

void
select_fini(selection *select)
{
    Py_CLEAR(select->module);
    Py_CLEAR(select->modules);
    Py_CLEAR(select->functions);
    Py_CLEAR(select->lines);
    Py_CLEAR(select->threads);
    xt_ptrmap_fini(&select->known_threads);
    *select = (selection){0};
}

int
select_traverse(selection *select, visitproc visit, void *arg)
{
    Py_VISIT(select->module);
    Py_VISIT(select->modules);
    return 0;
}

/* Whether a pattern that ends in `mark` and "*" begins the text: "C.*" begins
   "C.f". -1 with an exception. */
static int
begins(PyObject *pattern, const char *mark, PyObject *text)
{
    PyObject *end = PyUnicode_FromFormat("%s*", mark);
    Py_ssize_t len = PyUnicode_GET_LENGTH(pattern);
    Py_ssize_t found =
        end == NULL ? -1 : PyUnicode_Tailmatch(pattern, end, 0, len, 1);
    Py_XDECREF(end);
    if (found <= 0) {
        return (int)found;
    }
    PyObject *start = PyUnicode_Substring(pattern, 0, len - 1);
    found = start == NULL
                ? -1
                : PyUnicode_Tailmatch(text, start, 0,
                                      PyUnicode_GET_LENGTH(text), -1);
    Py_XDECREF(start);
    return (int)found;
}

/* Whether one of the names is the text, or begins it as above. */
static int
is_named(PyObject *names, const char *mark, PyObject *text)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int equal = PyUnicode_Compare(name, text);
        if (equal == 0) {
            return 1;
        }
        int found = PyErr_Occurred() ? -1 : begins(name, mark, text);
        if (found != 0) {
            return found;
        }
    }
    return 0;
}

/* Threads */

/* The name of this thread and whether it is the main one. A thread that
   threading knows nothing of has no name: NULL, perhaps with an exception. */
static PyObject *
thread_name(bool *is_main)
{
    *is_main = false;
    PyObject *threading = PyImport_ImportModule("threading");
    if (threading == NULL) {
        return NULL;
    }
    PyObject *name = NULL;
    PyObject *active = PyObject_GetAttrString(threading, "_active");
    PyObject *main = PyObject_GetAttrString(threading, "_main_thread");
    PyObject *ident = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    if (active != NULL && main != NULL && ident != NULL &&
        PyDict_Check(active)) {
        PyObject *thread;
        if (sync_dict_get(active, ident, &thread) > 0) {
            *is_main = thread == main;
            name = PyObject_GetAttrString(thread, "_name");
            Py_DECREF(thread);
        }
    }
    Py_XDECREF(ident);
    Py_XDECREF(main);
    Py_XDECREF(active);
    Py_DECREF(threading);
    return name;
}

static int
judge_thread(selection *select)
{
    bool is_main;
    PyObject *name = thread_name(&is_main);
    if (name == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int found = 0;
    if (PyUnicode_Check(name)) {
        found = is_named(select->threads, "", name);
    }
    for (Py_ssize_t i = 0;
         found == 0 && is_main && i < PyTuple_GET_SIZE(select->threads); i++) {
        found = PyUnicode_CompareWithASCIIString(
                    PyTuple_GET_ITEM(select->threads, i), "main") == 0;
    }
    Py_DECREF(name);
    return found;
}

/* Whether a thread is printed, if that was judged before; else -1. */
static int
known_verdict(selection *select, uint64_t id)
{
    sync_take(&select->lock);
    if (id != select->hot_thread) {
        const char *known =
            xt_ptrmap_get(&select->known_threads, (const void *)(uintptr_t)id);
        select->hot_thread = known == NULL ? 0 : id;
        select->hot_verdict = known != NULL && *known == 'y';
    }
    int verdict = id == select->hot_thread ? select->hot_verdict : -1;
    sync_give(&select->lock);
    return verdict;
}

int
select_thread(selection *select)
{
    if (select->threads == NULL) {
        return 1;
    }
    uint64_t id = PyThreadState_GetID(PyThreadState_Get()) + 1;
    int verdict = known_verdict(select, id);
    if (verdict >= 0) {
        return verdict;
    }
    verdict = judge_thread(select);
    if (verdict < 0) {
        return -1;
    }
    static const char yes[] = "y";
    static const char no[] = "n";
    sync_take(&select->lock);
    xt_status status =
        xt_ptrmap_set(&select->known_threads, (const void *)(uintptr_t)id,
                      (void *)(uintptr_t)(verdict ? yes : no));
    sync_give(&select->lock);
    if (status != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return verdict;
}

/* Modules, functions, lines */

int
select_module(selection *select, PyObject *filename, PyObject *globals)
{
    if (select->module == NULL) {
        return 1;
    }
    PyObject *known = PyDict_GetItemWithError(select->modules, filename);
    if (known != NULL || PyErr_Occurred()) {
        return known == NULL ? -1 : known == Py_True;
    }
    PyObject *said = PyObject_CallOneArg(select->module, globals);
    int verdict = said == NULL ? -1 : PyObject_IsTrue(said);
    Py_XDECREF(said);
    if (verdict >= 0 && PyDict_SetItem(select->modules, filename,
                                       verdict ? Py_True : Py_False) < 0) {
        verdict = -1;
    }
    return verdict;
}

int
select_function(selection *select, PyCodeObject *code)
{
    if (select->functions == NULL) {
        return 1;
    }
    int found = is_named(select->functions, ".", code->co_qualname);
    return found != 0 ? found
                      : is_named(select->functions, ".", code->co_name);
}

static bool
starts_with(PyObject *name, const char *text)
{
    const char *bytes = PyUnicode_AsUTF8(name);
    PyErr_Clear();
    return bytes != NULL && strncmp(bytes, text, strlen(text)) == 0;
}

/* Whether `wanted` is the name of the file, or its last parts. */
static int
is_file(PyObject *wanted, PyObject *name)
{
    Py_ssize_t more =
        PyUnicode_GET_LENGTH(name) - PyUnicode_GET_LENGTH(wanted);
    if (more < 0 ||
        (more > 0 && PyUnicode_READ_CHAR(name, more - 1) != (Py_UCS4)SEP)) {
        return 0;
    }
    return (int)PyUnicode_Tailmatch(name, wanted, 0,
                                    PyUnicode_GET_LENGTH(name), 1);
}

static int
add_ranges(selection *select, traced_file *file)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(select->lines); i++) {
        PyObject *item = PyTuple_GET_ITEM(select->lines, i);
        int found = is_file(PyTuple_GET_ITEM(item, 0), file->name);
        if (found < 0) {
            return -1;
        }
        if (found) {
            Py_ssize_t len;
            const char *text =
                PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(item, 1), &len);
            if (text == NULL) {
                return -1;
            }
            xt_status status =
                xt_ranges_parse(&file->ranges, text, (size_t)len);
            if (status != XT_OK) {
                errors_raise(status, "line ranges");
                return -1;
            }
        }
    }
    file->choice = file->ranges.len > 0 ? CHOICE_RANGES : CHOICE_NONE;
    return 0;
}

int
select_file(selection *select, traced_file *file)
{
    if (file->choice != CHOICE_OPEN) {
        return 0;
    }
    if (!select->imports && (starts_with(file->name, "<frozen importlib") ||
                             starts_with(file->name, "<frozen zipimport"))) {
        file->choice = CHOICE_IMPORTS;
        return 0;
    }
    if (select->lines == NULL) {
        file->choice = CHOICE_ALL;
        return 0;
    }
    return add_ranges(select, file);
}
