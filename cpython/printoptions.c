// SPDX-License-Identifier: Apache-2.0
#include "printoptions.h"

#include "errors.h"
#include "printing.h"

const char printing_configure_doc[] =
    "_print_by($self, **options)\n--\n\n"
    "Print by these options from the next run on (see exactrace.printing).\n"
    "Raises OSError when the file cannot be opened.";

/* A new reference to what is not None, else NULL. */
static PyObject *
some(PyObject *value)
{
    return value == NULL || value == Py_None ? NULL : Py_NewRef(value);
}

/* What the arguments of printing_configure() are read into: borrowed. */
typedef struct {
    PyObject *file, *terminal, *module, *functions, *lines, *threads;
    Py_ssize_t last;
    int calls, changes, max_depth, imports, colored, child;
} options;

static int
apply(printing *print, const options *wanted)
{
    selection *select = &print->select;
    print->calls = wanted->calls;
    print->changes = wanted->changes;
    print->deep = wanted->calls || wanted->max_depth > 0;
    print->out.colored = wanted->colored;
    if (wanted->child) {
        output_name_process(&print->out);
    }
    print->out.terminal = some(wanted->terminal);
    select->max_depth = wanted->max_depth;
    select->imports = wanted->imports;
    select->module = some(wanted->module);
    select->functions = some(wanted->functions);
    select->lines = some(wanted->lines);
    select->threads = some(wanted->threads);
    select->modules = PyDict_New();
    if (select->modules == NULL) {
        return -1;
    }
    if (wanted->last > 0 &&
        output_keep_last(&print->out, (size_t)wanted->last) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    if (wanted->file != Py_None) {
        print->out.file = tracefile_open(wanted->file, wanted->child);
        return print->out.file == NULL ? -1 : 0;
    }
    return 0;
}

PyObject *
printing_configure(TracerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"file",    "terminal",  "module",  "functions",
                            "lines",   "threads",   "last",    "calls",
                            "changes", "max_depth", "imports", "colored",
                            "child",   NULL};
    options wanted = {.file = Py_None};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "|$OOOOOOnppippp:_print_by", names, &wanted.file,
            &wanted.terminal, &wanted.module, &wanted.functions, &wanted.lines,
            &wanted.threads, &wanted.last, &wanted.calls, &wanted.changes,
            &wanted.max_depth, &wanted.imports, &wanted.colored,
            &wanted.child)) {
        return NULL;
    }
    if (self->runs > 0) {
        PyErr_SetString(PyExc_RuntimeError, "_print_by() during a run");
        return NULL;
    }
    printing_free(self);
    self->printing = PyMem_Calloc(1, sizeof(*self->printing));
    if (self->printing == NULL) {
        return PyErr_NoMemory();
    }
    if (apply(self->printing, &wanted) < 0) {
        printing_free(self);
        return NULL;
    }
    Py_RETURN_NONE;
}

const char printing_check_lines_doc[] =
    "check_lines(text, /)\n--\n\n"
    "Whether ranges of lines (as in \"3,10-20,40-\") can be read from it.";

PyObject *
printing_check_lines(PyObject *Py_UNUSED(module), PyObject *text)
{
    Py_ssize_t len;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
    if (bytes == NULL) {
        return NULL;
    }
    xt_ranges ranges = {0};
    xt_status status = xt_ranges_parse(&ranges, bytes, (size_t)len);
    xt_ranges_fini(&ranges);
    if (status == XT_NOMEM) {
        return PyErr_NoMemory();
    }
    return PyBool_FromLong(status == XT_OK);
}

const char printing_share_stdout_doc[] =
    "share_stdout()\n--\n\n"
    "A descriptor of the standard output for other processes, or -1.";

PyObject *
printing_share_stdout(PyObject *Py_UNUSED(module),
                      PyObject *Py_UNUSED(ignored))
{
    return PyLong_FromLong(tracefile_share_stdout());
}
