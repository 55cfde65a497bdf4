// SPDX-License-Identifier: Apache-2.0
#include "printing.h"

#include "endings.h"
#include "errors.h"
#include "mem.h"
#include "output.h"
#include "select.h"

/* What is known of a frame that runs. Whoever runs code of others holds on to
   it: the frame, or the run, may end meanwhile in another thread. */
typedef struct frame_record {
    int references;
    traced_file *file; /* borrowed; NULL: the frame is not traced */
    int depth;         /* traced frames on the stack, with this one */
    bool shown;        /* it is printed, if only some lines of it */
    PyObject *header;  /* owned: what is printed before its first line, or
                          NULL when it was */
} frame_record;

struct printing {
    output out;
    selection select;
    bool calls;        /* headers have arguments, ends are printed */
    bool deep;         /* depths are needed */
    bool running;      /* there is a run that has not ended */
    xt_ptrmap records; /* frame -> owned frame_record */

    /* The frame of the last event, and that of a return that was the last
       event: as hot_frame and left_frame in session.h. */
    PyFrameObject *hot_frame;
    frame_record *hot; /* borrowed from `records` */
    PyFrameObject *left_frame;
    frame_record *left; /* owned, or NULL */
};
typedef struct printing printing;

/* --- Records ------------------------------------------------------------ */

static void
record_free(frame_record *record)
{
    if (record != NULL && --record->references == 0) {
        Py_XDECREF(record->header);
        xt_free(record);
    }
}

static void
forget_left(printing *print)
{
    frame_record *record = print->left;
    print->left_frame = NULL;
    print->left = NULL;
    record_free(record);
}

static void
records_free(printing *print)
{
    forget_left(print);
    print->hot_frame = NULL;
    for (size_t i = 0; print->records.used > 0 && i <= print->records.mask;
         i++) {
        if (print->records.entries[i].key != NULL) {
            record_free(print->records.entries[i].value);
        }
    }
    xt_ptrmap_fini(&print->records);
}

/* Takes the record of a frame out, if there is one. */
static frame_record *
record_take(printing *print, PyFrameObject *frame)
{
    frame_record *record = xt_ptrmap_get(&print->records, frame);
    if (record != NULL) {
        (void)xt_ptrmap_remove(&print->records, frame);
    }
    if (print->hot_frame == frame) {
        print->hot_frame = NULL;
    }
    return record;
}

static int
record_put(printing *print, PyFrameObject *frame, frame_record *record)
{
    record_free(record_take(print, frame));
    if (xt_ptrmap_set(&print->records, frame, record) != XT_OK) {
        record_free(record);
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static frame_record *
record_of(printing *print, PyFrameObject *frame)
{
    if (frame != print->hot_frame) {
        print->hot_frame = frame;
        print->hot = xt_ptrmap_get(&print->records, frame);
    }
    return print->hot;
}

/* --- Putting out --------------------------------------------------------- */

/* As in settrace.c: a file that cannot be written to will not get better. */
static int
keep_trouble(TracerObject *self)
{
    if (PyErr_ExceptionMatches(PyExc_OSError) ||
        PyErr_ExceptionMatches(PyExc_ValueError)) {
        self->log.broken = true;
    }
    return session_keep_trouble(self);
}

static int
put(TracerObject *self, const frame_record *record, output_kind kind,
    PyObject *text)
{
    printing *print = self->printing;
    int indent =
        print->calls && record->depth > 1 ? 2 * (record->depth - 1) : 0;
    return output_put(&print->out, &self->log, kind, text, indent);
}

static int
put_header(TracerObject *self, frame_record *record)
{
    PyObject *header = record->header;
    if (header == NULL) {
        return 0;
    }
    record->header = NULL;
    int result = put(self, record, OUTPUT_HEADER, header);
    Py_DECREF(header);
    return result;
}

/* --- Events -------------------------------------------------------------- */

/* The depth of the frame that has called this one, or 0. */
static int
depth_of_caller(printing *print, PyFrameObject *frame)
{
    int depth = 0;
    PyFrameObject *back = PyFrame_GetBack(frame);
    if (back != NULL) {
        const frame_record *record = xt_ptrmap_get(&print->records, back);
        depth = record == NULL ? 0 : record->depth;
        Py_DECREF(back);
    }
    return depth;
}

/* Whether something of a frame in `record->file` is printed. -1 with an
   exception. */
static int
is_shown(TracerObject *self, const frame_record *record, PyObject *globals,
         PyCodeObject *code)
{
    selection *select = &self->printing->select;
    if (record->file->choice == CHOICE_NONE ||
        record->file->choice == CHOICE_IMPORTS ||
        (select->max_depth > 0 && record->depth > select->max_depth)) {
        return 0;
    }
    int shown = select_thread(select);
    if (shown > 0) {
        shown = select_function(select, code);
    }
    if (shown > 0 && select->module != NULL) {
        PyObject *filename = PyDict_GetItemWithError(globals, self->s_file);
        if (filename == NULL) {
            return PyErr_Occurred() ? -1 : 0;
        }
        shown = select_module(select, filename, globals);
    }
    return shown;
}

static PyObject *
make_header(PyObject *module, PyCodeObject *code)
{
    return PyUnicode_FromFormat(" --- modulename: %U, funcname: %U\n", module,
                                code->co_name);
}

/* Fills in the record of a frame whose module is traced. */
static int
fill_record(TracerObject *self, frame_record *record, PyObject *module,
            PyObject *globals, PyCodeObject *code)
{
    selection *select = &self->printing->select;
    record->file = files_get(&self->files, code->co_filename);
    if (record->file == NULL || select_file(select, record->file) < 0) {
        return -1;
    }
    if (record->file->choice != CHOICE_IMPORTS) {
        record->depth++;
    }
    int shown = is_shown(self, record, globals, code);
    if (shown <= 0) {
        return shown;
    }
    record->shown = true;
    record->header = make_header(module, code);
    return record->header == NULL ? -1 : 0;
}

/* Makes the record of a frame. Without need for one, *made is NULL. */
static int
make_record(TracerObject *self, PyFrameObject *frame, frame_record **made)
{
    printing *print = self->printing;
    *made = NULL;
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *module = NULL;
    int result = session_judge(self, globals, &module);
    if (result == 0 && (module != NULL || print->deep)) {
        frame_record *record = xt_malloc(sizeof(*record));
        if (record == NULL) {
            PyErr_NoMemory();
            result = -1;
        }
        else {
            *record = (frame_record){
                .references = 1,
                .depth = print->deep ? depth_of_caller(print, frame) : 0,
            };
            *made = record;
            if (module != NULL) {
                PyCodeObject *code = PyFrame_GetCode(frame);
                result = fill_record(self, record, module, globals, code);
                Py_DECREF(code);
            }
        }
    }
    Py_DECREF(globals);
    return result;
}

int
printing_call(TracerObject *self, PyFrameObject *frame)
{
    printing *print = self->printing;
    if (!print->running) {
        return 0;
    }
    forget_left(print);
    frame_record *record;
    int result = make_record(self, frame, &record);
    if (result < 0) {
        result = keep_trouble(self);
    }
    if (record == NULL) {
        /* A frame that ended unseen may have left its address behind. */
        record_free(record_take(print, frame));
        return result;
    }
    if (record_put(print, frame, record) < 0) {
        return session_keep_trouble(self);
    }
    if (result == 0 && record->shown && !self->log.broken &&
        record->file->choice == CHOICE_ALL) {
        record->references++;
        if (put_header(self, record) < 0) {
            result = keep_trouble(self);
        }
        record_free(record);
    }
    return result;
}

/* Prints a line with all that comes before it. */
static int
put_line(TracerObject *self, frame_record *record, int line)
{
    if (put_header(self, record) < 0) {
        return -1;
    }
    PyObject *text = linelog_text(&self->log, record->file, line);
    if (text == NULL) {
        return -1;
    }
    int result = put(self, record, OUTPUT_LINE, text);
    Py_DECREF(text);
    return result;
}

static int
on_line(TracerObject *self, PyFrameObject *frame)
{
    printing *print = self->printing;
    forget_left(print);
    frame_record *record = record_of(print, frame);
    if (record == NULL || record->file == NULL) {
        return 0;
    }
    int line = PyFrame_GetLineNumber(frame);
    if (self->mode & TRACER_COUNT &&
        files_hit(&self->files, record->file, line) < 0) {
        return session_keep_trouble(self);
    }
    if (!record->shown || self->log.broken ||
        !select_line(record->file, line)) {
        return 0;
    }
    record->references++;
    int result = put_line(self, record, line) < 0 ? keep_trouble(self) : 0;
    record_free(record);
    return result;
}

static int
on_return(TracerObject *self, PyFrameObject *frame)
{
    printing *print = self->printing;
    forget_left(print);
    print->left = record_take(print, frame);
    print->left_frame = frame;
    return 0;
}

/* See settrace.c for what is not the end of a frame. */
static int
on_exception(TracerObject *self, PyFrameObject *frame)
{
    printing *print = self->printing;
    if (print->left_frame == frame && print->left != NULL) {
        frame_record *record = print->left;
        print->left = NULL;
        if (record_put(print, frame, record) < 0) {
            return session_keep_trouble(self);
        }
    }
    forget_left(print);
    return 0;
}

int
printing_event(PyObject *handle, PyFrameObject *frame, int what,
               PyObject *Py_UNUSED(arg))
{
    TracerObject *self = (TracerObject *)PyCFunction_GET_SELF(handle);
    if (!self->printing->running) {
        return 0;
    }
    switch (what) {
    case PyTrace_LINE:
        return on_line(self, frame);
    case PyTrace_CALL:
        return printing_call(self, frame);
    case PyTrace_RETURN:
        return on_return(self, frame);
    case PyTrace_EXCEPTION:
        return on_exception(self, frame);
    default:
        return 0;
    }
}

int
printing_take_frames(TracerObject *self)
{
    PyObject *frames = PyList_New(0);
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(PyEval_GetFrame());
    int result = frames == NULL ? -1 : 0;
    while (frame != NULL && result == 0) {
        result = PyList_Append(frames, (PyObject *)frame);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    Py_ssize_t at = result == 0 ? PyList_GET_SIZE(frames) : 0;
    while (at > 0 && result == 0) {
        frame = (PyFrameObject *)PyList_GET_ITEM(frames, --at);
        result = printing_call(self, frame);
    }
    Py_XDECREF(frames);
    return result;
}

/* --- Runs ---------------------------------------------------------------- */

static bool
is_watched(const printing *print)
{
    return print->out.file != NULL || print->out.ring.cap > 0;
}

int
printing_begin(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL || print->running || (self->mode & TRACER_LINES) == 0) {
        return 0;
    }
    print->running = true;
    return is_watched(print) ? endings_watch(&print->out) : 0;
}

int
printing_end(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL || !print->running) {
        return 0;
    }
    print->running = false;
    endings_forget(&print->out);
    records_free(print);
    return self->log.broken ? 0 : output_flush(&print->out);
}

void
printing_show_last(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL || print->out.ring.cap == 0 || !PyErr_Occurred() ||
        PyErr_ExceptionMatches(PyExc_SystemExit)) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (output_show_ring(&print->out) < 0 && keep_trouble(self) < 0) {
        /* A second Ctrl-C in the midst of it: one will do. */
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
}

void
printing_free(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL) {
        return;
    }
    self->printing = NULL;
    endings_forget(&print->out);
    records_free(print);
    output_fini(&print->out);
    select_fini(&print->select);
    PyMem_Free(print);
}

int
printing_traverse(TracerObject *self, visitproc visit, void *arg)
{
    return self->printing == NULL
               ? 0
               : select_traverse(&self->printing->select, visit, arg);
}

/* --- Options ------------------------------------------------------------- */

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
    int calls, max_depth, imports, colored;
} options;

static int
apply(printing *print, const options *wanted)
{
    selection *select = &print->select;
    print->calls = wanted->calls;
    print->deep = wanted->calls || wanted->max_depth > 0;
    print->out.colored = wanted->colored;
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
        xt_ring_init(&print->out.ring, (size_t)wanted->last) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    if (wanted->file != Py_None) {
        print->out.file = tracefile_open(wanted->file);
        return print->out.file == NULL ? -1 : 0;
    }
    return 0;
}

PyObject *
printing_configure(TracerObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"file",      "terminal", "module",  "functions",
                            "lines",     "threads",  "last",    "calls",
                            "max_depth", "imports",  "colored", NULL};
    options wanted = {.file = Py_None};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "|$OOOOOOnpipp:_print_by", names, &wanted.file,
            &wanted.terminal, &wanted.module, &wanted.functions, &wanted.lines,
            &wanted.threads, &wanted.last, &wanted.calls, &wanted.max_depth,
            &wanted.imports, &wanted.colored)) {
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
