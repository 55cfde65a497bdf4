// SPDX-License-Identifier: Apache-2.0
#include "printing.h"

#include "calllog.h"
#include "calls.h"
#include "endings.h"
#include "records.h"
#include "settrace.h"

/* --- Putting out --------------------------------------------------------- */

static int
indent_of(const printing *print, const frame_record *record)
{
    return print->calls && record->depth > 1 ? 2 * (record->depth - 1) : 0;
}

static int
put(TracerObject *self, const frame_record *record, output_kind kind,
    PyObject *text)
{
    printing *print = self->printing;
    return output_put(&print->out, &self->log, kind, text,
                      indent_of(print, record));
}

/* Puts out each line of a buffer, and frees that. `result` is what has become
   of filling it: -1 with an exception. */
static int
put_buffer(TracerObject *self, const frame_record *record, output_kind kind,
           xt_buf *buf, int result)
{
    printing *print = self->printing;
    size_t at = 0;
    while (result == 0 && at < buf->len) {
        const char *line = buf->bytes + at;
        const char *end = memchr(line, '\n', buf->len - at);
        size_t len = end == NULL ? buf->len - at : (size_t)(end - line) + 1;
        result = output_put_bytes(&print->out, &self->log, kind, line, len,
                                  indent_of(print, record));
        at += len;
    }
    xt_buf_fini(buf);
    return result;
}

/* Puts out what has changed among the variables of a frame. Those that a
   module or a class begins with are none of its doing. */
static int
put_changes(TracerObject *self, frame_record *record, PyFrameObject *frame)
{
    xt_buf buf = {0};
    PyCodeObject *code = PyFrame_GetCode(frame);
    int result = variables_update(&record->variables, frame, code, &buf);
    if (!record->looked && (code->co_flags & CO_OPTIMIZED) == 0) {
        buf.len = 0;
    }
    record->looked = true;
    Py_DECREF(code);
    return put_buffer(self, record, OUTPUT_VARIABLE, &buf, result);
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
depth_of_caller(const record_table *records, PyFrameObject *frame)
{
    int depth = 0;
    PyFrameObject *back = PyFrame_GetBack(frame);
    if (back != NULL) {
        const frame_record *record = records_get(records, back);
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

/* What is printed before the first line of a frame. */
static PyObject *
make_header(TracerObject *self, frame_record *record, PyObject *module,
            PyFrameObject *frame, PyCodeObject *code, bool resumed)
{
    if (!self->printing->calls) {
        return linelog_header(&self->log, module, code->co_name);
    }
    record->label = PyUnicode_FromFormat("%U.%U", module, code->co_qualname);
    if (record->label == NULL) {
        return NULL;
    }
    xt_buf buf = {0};
    PyObject *header = NULL;
    if (calllog_add_call(&buf, record->label, frame, code, resumed) == 0) {
        header =
            PyUnicode_DecodeUTF8(buf.bytes, (Py_ssize_t)buf.len, "replace");
    }
    xt_buf_fini(&buf);
    return header;
}

/* Whether it matters how frames are left. */
static bool
has_ends(const printing *print)
{
    return print->calls || print->changes;
}

/* Moves what is known of the variables of a generator from the record that it
   had before it was left. */
static void
keep_variables(const record_table *records, PyFrameObject *frame,
               frame_record *record)
{
    frame_record *before = records_get(records, frame);
    if (before != NULL) {
        record->variables = before->variables;
        record->looked = before->looked;
        before->variables = (variable_table){0};
    }
}

/* Has a frame begin with the variables that it has: a header tells of them. */
static int
look_silently(frame_record *record, PyFrameObject *frame, PyCodeObject *code)
{
    xt_buf buf = {0};
    int result = variables_update(&record->variables, frame, code, &buf);
    xt_buf_fini(&buf);
    record->looked = true;
    return result;
}

/* Fills in the record of a frame whose module is traced. */
static int
fill_record(TracerObject *self, thread_lane *mine, frame_record *record,
            PyObject *module, PyObject *globals, PyFrameObject *frame,
            PyCodeObject *code)
{
    selection *select = &self->printing->select;
    record->file = files_get(session_files(self, mine), code->co_filename);
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
    bool resumed = false;
    if (has_ends(self->printing)) {
        resumed = calllog_is_resumed(frame, code);
        if (resumed) {
            keep_variables(&mine->records, frame, record);
        }
    }
    record->header = make_header(self, record, module, frame, code, resumed);
    if (record->header != NULL && self->printing->calls &&
        self->printing->changes && !resumed &&
        look_silently(record, frame, code) < 0) {
        return -1;
    }
    return record->header == NULL ? -1 : 0;
}

/* Makes the record of a frame. Without need for one, *made is NULL. */
static int
make_record(TracerObject *self, thread_lane *mine, PyFrameObject *frame,
            frame_record **made)
{
    printing *print = self->printing;
    *made = NULL;
    PyObject *globals = PyFrame_GetGlobals(frame);
    PyObject *module = NULL;
    int result = session_judge(self, globals, &module);
    if (result == 0 && (module != NULL || print->deep)) {
        frame_record *record = records_new();
        if (record == NULL) {
            result = -1;
        }
        else {
            record->depth =
                print->deep ? depth_of_caller(&mine->records, frame) : 0;
            *made = record;
            if (module != NULL) {
                PyCodeObject *code = PyFrame_GetCode(frame);
                result = fill_record(self, mine, record, module, globals,
                                     frame, code);
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
    if (!self->printing->running || session_waits(self)) {
        return 0;
    }
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return session_keep_trouble(self);
    }
    records_forget_left(&mine->records);
    frame_record *record;
    int result = make_record(self, mine, frame, &record);
    if (result < 0) {
        result = session_keep_log_trouble(self);
    }
    if (record == NULL) {
        /* A frame that ended unseen may have left its address behind. */
        records_release(records_take(&mine->records, frame));
        return result;
    }
    if (records_put(&mine->records, frame, record) < 0) {
        return session_keep_trouble(self);
    }
    if (result == 0 && record->shown && !self->log.broken &&
        record->file->choice == CHOICE_ALL) {
        record->references++;
        if (put_header(self, record) < 0) {
            result = session_keep_log_trouble(self);
        }
        records_release(record);
    }
    return result;
}

/* Prints a line with all that comes before it. */
static int
put_line(TracerObject *self, frame_record *record, PyFrameObject *frame,
         int line)
{
    if (put_header(self, record) < 0 ||
        (self->printing->changes && put_changes(self, record, frame) < 0)) {
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
on_line(TracerObject *self, thread_lane *mine, PyFrameObject *frame)
{
    records_forget_left(&mine->records);
    frame_record *record = records_find(&mine->records, frame);
    if (record == NULL || record->file == NULL) {
        return 0;
    }
    record->raising = false;
    int line = PyFrame_GetLineNumber(frame);
    if (self->mode & TRACER_COUNT &&
        files_hit(session_files(self, mine), record->file, line) < 0) {
        return session_keep_trouble(self);
    }
    if (!record->shown || self->log.broken ||
        !select_line(record->file, line)) {
        return 0;
    }
    record->references++;
    int result = put_line(self, record, frame, line) < 0
                     ? session_keep_log_trouble(self)
                     : 0;
    records_release(record);
    return result;
}

/* Prints how a frame is left. */
static int
put_end(TracerObject *self, frame_record *record, PyFrameObject *frame,
        calllog_end how, PyObject *value)
{
    printing *print = self->printing;
    if (print->changes && put_changes(self, record, frame) < 0) {
        return -1;
    }
    if (!print->calls || record->label == NULL) {
        return 0;
    }
    xt_buf buf = {0};
    int result =
        calllog_add_end(&buf, record->label, how,
                        how == CALLLOG_RAISES ? record->raised : value);
    return put_buffer(self, record, OUTPUT_RETURN, &buf, result);
}

/* Whether something of the frame has been printed, and more is to be. */
static bool
is_open(const TracerObject *self, const frame_record *record)
{
    return record != NULL && record->shown && record->header == NULL &&
           !self->log.broken;
}

static int
on_return(TracerObject *self, thread_lane *mine, PyFrameObject *frame,
          PyObject *value)
{
    printing *print = self->printing;
    records_forget_left(&mine->records);
    frame_record *record = records_find(&mine->records, frame);
    int result = 0;
    bool stays = false;
    if (has_ends(print) && is_open(self, record)) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        calllog_end how = calllog_how_left(frame, code, record->raising);
        Py_DECREF(code);
        stays = how == CALLLOG_YIELDS && print->changes;
        record->references++;
        if (put_end(self, record, frame, how, value) < 0) {
            result = session_keep_log_trouble(self);
        }
        records_release(record);
    }
    if (!stays) {
        mine->records.left = records_take(&mine->records, frame);
    }
    mine->records.left_frame = frame;
    return result;
}

/* Prints an exception, unless it is one that tells of an end. */
static int
put_exception(TracerObject *self, frame_record *record, PyObject *arg)
{
    PyObject *type =
        arg != NULL && PyTuple_Check(arg) ? PyTuple_GET_ITEM(arg, 0) : Py_None;
    if (PyType_Check(type)) {
        Py_XSETREF(record->raised, PyType_GetName((PyTypeObject *)type));
    }
    if (type == PyExc_StopIteration || type == PyExc_StopAsyncIteration) {
        return 0;
    }
    record->raising = true;
    if (!self->printing->calls) {
        return 0;
    }
    xt_buf buf = {0};
    int result = calllog_add_exception(&buf, arg);
    return put_buffer(self, record, OUTPUT_RAISE, &buf, result);
}

/* See settrace.c for what is not the end of a frame. */
static int
on_exception(TracerObject *self, thread_lane *mine, PyFrameObject *frame,
             PyObject *arg)
{
    printing *print = self->printing;
    if (mine->records.left_frame == frame && mine->records.left != NULL) {
        frame_record *record = mine->records.left;
        mine->records.left = NULL;
        if (records_put(&mine->records, frame, record) < 0) {
            return session_keep_trouble(self);
        }
    }
    records_forget_left(&mine->records);
    frame_record *record =
        has_ends(print) ? records_find(&mine->records, frame) : NULL;
    int result = 0;
    if (is_open(self, record)) {
        record->references++;
        if (put_exception(self, record, arg) < 0) {
            result = session_keep_log_trouble(self);
        }
        records_release(record);
    }
    return result;
}

static int
on_event(PyObject *handle, PyFrameObject *frame, int what, PyObject *arg)
{
    TracerObject *self = (TracerObject *)PyCFunction_GET_SELF(handle);
    int met = settrace_meet(self, handle, frame, what);
    if (met != 0) {
        return met < 0 ? -1 : 0;
    }
    if (!self->printing->running) {
        return 0;
    }
    thread_lane *mine = session_lane(self);
    if (mine == NULL) {
        return session_keep_trouble(self);
    }
    switch (what) {
    case PyTrace_LINE:
        return on_line(self, mine, frame);
    case PyTrace_CALL:
        return calls_note(self, frame) < 0 ? -1 : printing_call(self, frame);
    case PyTrace_RETURN:
        return on_return(self, mine, frame, arg);
    case PyTrace_EXCEPTION:
        return on_exception(self, mine, frame, arg);
    default:
        return 0;
    }
}

int
printing_event(PyObject *handle, PyFrameObject *frame, int what, PyObject *arg)
{
    Py_INCREF(handle); /* CPython does not hold it, and this may wait */
    int result = on_event(handle, frame, what, arg);
    Py_DECREF(handle);
    return result;
}

PyObject *
printing_stack(PyFrameObject *top)
{
    PyObject *frames = PyList_New(0);
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef(top);
    while (frame != NULL && frames != NULL) {
        if (PyList_Append(frames, (PyObject *)frame) < 0) {
            Py_CLEAR(frames);
        }
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_XDECREF(frame);
    return frames;
}

int
printing_take_frames(TracerObject *self, PyFrameObject *top)
{
    PyObject *frames = printing_stack(top);
    int result = frames == NULL ? -1 : 0;
    Py_ssize_t at = result == 0 ? PyList_GET_SIZE(frames) : 0;
    while (at > 0 && result == 0) {
        result = printing_call(self,
                               (PyFrameObject *)PyList_GET_ITEM(frames, --at));
    }
    Py_XDECREF(frames);
    return result;
}

/* --- Runs ---------------------------------------------------------------- */

static bool
is_watched(const printing *print)
{
    return print->out.file != NULL || output_keeps_last(&print->out);
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

/* Those of this thread: another's go when it is done with them (lane.c). */
static void
forget_records(TracerObject *self)
{
    thread_lane *mine = session_lane(self);
    if (mine != NULL) {
        records_fini(&mine->records);
    }
    else {
        PyErr_Clear();
    }
}

int
printing_end(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL || !print->running) {
        return 0;
    }
    print->running = false;
    forget_records(self);
    int result = self->log.broken ? 0 : output_flush(&print->out);
    if (result < 0) {
        output_rescue(&print->out, OUTPUT_GOES_ON); /* Ctrl-C, mostly */
    }
    if (!print->running) { /* or another run has begun meanwhile */
        endings_forget(&print->out);
    }
    return result;
}

void
printing_show_last(TracerObject *self)
{
    printing *print = self->printing;
    if (print == NULL || !output_keeps_last(&print->out) ||
        !PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_SystemExit)) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (output_show_last(&print->out) < 0 &&
        session_keep_log_trouble(self) < 0) {
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
    output_rescue(&print->out, OUTPUT_GOES_ON);
    endings_forget(&print->out);
    forget_records(self);
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

/* --- Children ------------------------------------------------------------ */

const char printing_in_child_doc[] =
    "_print_in_child($self, path, /)\n--\n\n"
    "Have each line that this process prints from now on begin with its\n"
    "number; and go to the file at path, if that is not None and there is no\n"
    "file yet. Raises OSError when it cannot be opened.";

PyObject *
printing_in_child(TracerObject *self, PyObject *path)
{
    printing *print = self->printing;
    if (print == NULL) {
        Py_RETURN_NONE;
    }
    output_name_process(&print->out);
    if (path != Py_None && print->out.file == NULL) {
        tracefile *file = tracefile_open(path, true);
        if (file == NULL) {
            self->log.broken = true; /* stdout may be a pipe of the program */
            return NULL;
        }
        bool watched = is_watched(print);
        print->out.file = file;
        if (print->running && !watched && endings_watch(&print->out) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

const char printing_show_doc[] =
    "_show_last($self, /)\n--\n\n"
    "Write the last lines, if they are kept, and what the file that lines go\n"
    "to does not have yet.";

PyObject *
printing_show(TracerObject *self, PyObject *Py_UNUSED(ignored))
{
    printing *print = self->printing;
    if (print != NULL && !self->log.broken &&
        (output_show_last(&print->out) < 0 || output_flush(&print->out) < 0) &&
        session_keep_log_trouble(self) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
