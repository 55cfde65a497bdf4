// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <poll.h>
#include <unistd.h>

#include "errors.h"

void
output_fini(output *out)
{
    tracefile_close(out->file);
    xt_ring_fini(&out->rings[0]);
    xt_ring_fini(&out->rings[1]);
    Py_CLEAR(out->terminal);
    xt_buf_fini(&out->scratch);
    *out = (output){0};
}

xt_status
output_keep_last(output *out, size_t lines)
{
    xt_status status = xt_ring_init(&out->rings[0], lines);
    if (status == XT_OK) {
        status = xt_ring_init(&out->rings[1], lines);
        if (status != XT_OK) {
            xt_ring_fini(&out->rings[0]);
        }
    }
    return status;
}

void
output_name_process(output *out)
{
    (void)PyOS_snprintf(out->prefix, sizeof(out->prefix), "[%ld] ",
                        (long)getpid());
}

/* The colours of a kind: of a line's place, of all else the whole. */
static const char *const colors[] = {
    [OUTPUT_LINE] = "\033[2m",      [OUTPUT_HEADER] = "\033[1;36m",
    [OUTPUT_RETURN] = "\033[36m",   [OUTPUT_RAISE] = "\033[1;31m",
    [OUTPUT_VARIABLE] = "\033[33m",
};
static const char no_color[] = "\033[0m";

/* How much of a text is coloured. */
static size_t
colored_part(output_kind kind, const char *text, size_t len)
{
    if (kind == OUTPUT_LINE) {
        for (size_t i = 0; i + 1 < len; i++) {
            if (text[i] == ')' && text[i + 1] == ':') {
                return i + 2;
            }
        }
    }
    return len > 0 && text[len - 1] == '\n' ? len - 1 : len;
}

static xt_status
add(xt_buf *buf, const char *text)
{
    return xt_buf_append(buf, text, strlen(text));
}

static xt_status
add_spaces(xt_buf *buf, int count)
{
    static const char spaces[] = "                ";
    xt_status status = XT_OK;
    for (; count > 0 && status == XT_OK; count -= (int)sizeof(spaces) - 1) {
        size_t len = (size_t)count < sizeof(spaces) - 1 ? (size_t)count
                                                        : sizeof(spaces) - 1;
        status = xt_buf_append(buf, spaces, len);
    }
    return status;
}

/* Puts a line together in the scratch buffer. -1 with an exception. */
static int
compose(output *out, line_log *log, output_kind kind, const char *text,
        size_t len, int indent, bool colored)
{
    xt_buf *line = &out->scratch;
    line->len = 0;
    xt_status status = add(line, out->prefix);
    if (status == XT_OK && log->timed) {
        char *stamp = linelog_stamp(log);
        if (stamp == NULL) {
            return -1;
        }
        status = add(line, stamp);
        PyMem_Free(stamp);
    }
    if (status == XT_OK) {
        status = add_spaces(line, indent);
    }
    size_t part = colored ? colored_part(kind, text, len) : 0;
    if (status == XT_OK && part > 0) {
        status = add(line, colors[kind]);
        if (status == XT_OK) {
            status = xt_buf_append(line, text, part);
        }
        if (status == XT_OK) {
            status = add(line, no_color);
        }
    }
    if (status == XT_OK) {
        status = xt_buf_append(line, text + part, len - part);
    }
    if (status != XT_OK) {
        errors_raise(status, "printed line");
        return -1;
    }
    return 0;
}

/* Whether to try again what did not go into a full pipe. Handlers of signals
   are run before, and other threads may put out something. */
static bool
is_to_go_on(const output *out, int *result)
{
    if (*result != TRACEFILE_FULL) {
        return false;
    }
    Py_BEGIN_ALLOW_THREADS;
    tracefile_wait(out->file);
    Py_END_ALLOW_THREADS;
    *result = PyErr_CheckSignals();
    return *result == 0;
}

/* To the ring or the file: there is one of them. As tracefile_put(). */
static int
put_bytes(output *out, const char *bytes, size_t len)
{
    if (output_keeps_last(out)) {
        if (xt_ring_put(&out->rings[out->filled], bytes, len) != XT_OK) {
            PyErr_NoMemory();
            return -1;
        }
        return 0;
    }
    return tracefile_put(out->file, bytes, len);
}

/* The UTF-8 of a text. What there is no UTF-8 for (the bytes of a strange file
   name, lone surrogates) goes into *owned. NULL with an exception. */
static const char *
utf8_of(PyObject *text, size_t *len, PyObject **owned)
{
    Py_ssize_t size;
    const char *bytes = PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        *owned = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
        if (*owned == NULL) {
            PyErr_Clear();
            *owned =
                PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
        }
        if (*owned != NULL) {
            bytes = PyBytes_AS_STRING(*owned);
            size = PyBytes_GET_SIZE(*owned);
        }
    }
    *len = bytes == NULL ? 0 : (size_t)size;
    return bytes;
}

/* Whether lines go to sys.stdout at once. */
static bool
is_direct(const output *out)
{
    return !output_keeps_last(out) && out->file == NULL;
}

static bool
wants_colors(const output *out, line_log *log)
{
    return out->colored && (!is_direct(out) || out->terminal == NULL ||
                            linelog_stdout(log) == out->terminal);
}

/* Puts a line together, and keeps it; or *text is what is to be printed, for
   that runs the program's code. The caller is in the section. */
static int
keep_bytes(output *out, line_log *log, output_kind kind, const char *bytes,
           size_t len, int indent, PyObject **text)
{
    bool colored = wants_colors(out, log);
    /* Most texts go out as they are. The standard module of 3.12 and older
       does not end a line without source. */
    bool open = len > 0 && bytes[len - 1] != '\n';
    if (log->timed || indent > 0 || colored || open ||
        out->prefix[0] != '\0') {
        if (compose(out, log, kind, bytes, len, indent, colored) < 0) {
            return -1;
        }
        if (open && add(&out->scratch, "\n") != XT_OK) {
            PyErr_NoMemory();
            return -1;
        }
        bytes = out->scratch.bytes;
        len = out->scratch.len;
    }
    if (is_direct(out)) {
        *text =
            PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, "surrogateescape");
        return *text == NULL ? -1 : 0;
    }
    return put_bytes(out, bytes, len);
}

int
output_put_bytes(output *out, line_log *log, output_kind kind,
                 const char *bytes, size_t len, int indent)
{
    PyObject *text = NULL;
    int result = 0;
    do {
        sync_enter(&out->section);
        if (!out->closed) {
            result = keep_bytes(out, log, kind, bytes, len, indent, &text);
        }
        sync_leave(&out->section);
    } while (is_to_go_on(out, &result));
    if (text != NULL) {
        result = linelog_print(log, text);
        Py_DECREF(text);
    }
    return result;
}

int
output_put(output *out, line_log *log, output_kind kind, PyObject *text,
           int indent)
{
    if (is_direct(out) && !log->timed && indent == 0 &&
        !wants_colors(out, log)) {
        return linelog_print(log, text);
    }
    PyObject *owned = NULL;
    size_t len;
    const char *bytes = utf8_of(text, &len, &owned);
    int result = bytes == NULL
                     ? -1
                     : output_put_bytes(out, log, kind, bytes, len, indent);
    Py_XDECREF(owned);
    return result;
}

/* Lets the thread in peace whose handler writes, until that ends the process:
   after seconds at the most, if nobody reads. */
static void
wait_for_the_end(output *out)
{
    enum { TICK_MS = 100, MOST_TICKS = 200 };
    for (int i = 0; i < MOST_TICKS && out->closed == OUTPUT_DYING; i++) {
        Py_BEGIN_ALLOW_THREADS;
        (void)poll(NULL, 0, TICK_MS);
        Py_END_ALLOW_THREADS;
    }
}

int
output_flush(output *out)
{
    int result = 0;
    do {
        wait_for_the_end(out);
        sync_enter(&out->section);
        if (out->file != NULL && out->closed) {
            tracefile_hurry(out->file);
            tracefile_flush_blindly(out->file, TRACEFILE_A_WHILE);
            tracefile_drop(out->file);
        }
        else if (out->file != NULL) {
            result = tracefile_flush(out->file);
        }
        sync_leave(&out->section);
    } while (is_to_go_on(out, &result));
    return result;
}

/* The ring */

/* The line that comes first. It must be made without malloc(). */
typedef struct {
    char bytes[80];
    size_t len;
} headline;

static void
headline_add(headline *line, const char *text)
{
    while (*text != '\0' && line->len < sizeof(line->bytes)) {
        line->bytes[line->len++] = *text++;
    }
}

static void
headline_add_number(headline *line, size_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits) - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    headline_add(line, at);
}

static headline
make_headline(const xt_ring *ring)
{
    headline line = {.len = 0};
    headline_add(&line, "exactrace: the last ");
    headline_add_number(&line, xt_ring_len(ring));
    headline_add(&line, " of ");
    headline_add_number(&line, ring->total);
    headline_add(&line, " lines:\n");
    return line;
}

static int
write_to_stderr(PyObject *text)
{
    PyObject *file = PySys_GetObject("stderr");
    if (file == NULL || file == Py_None) {
        Py_ssize_t len;
        const char *bytes = PyUnicode_AsUTF8AndSize(text, &len);
        if (bytes == NULL) {
            return -1;
        }
        tracefile_write_blindly(2, bytes, (size_t)len, TRACEFILE_FOREVER);
        return 0;
    }
    Py_INCREF(file);
    int result = PyFile_WriteObject(text, file, Py_PRINT_RAW);
    Py_DECREF(file);
    return result;
}

/* To the file, or as what is to be written to sys.stderr. */
static int
show_bytes(output *out, const char *bytes, size_t len, PyObject **text)
{
    if (out->file != NULL) {
        return tracefile_put(out->file, bytes, len);
    }
    *text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, "backslashreplace");
    return *text == NULL ? -1 : 0;
}

/* Shows the headline, if that is still to come, or else the oldest line. The
   caller is in the section, and there is a line. */
static int
show_next(output *out, const xt_ring *ring, PyObject **text)
{
    if (!out->headed) {
        headline first = make_headline(ring);
        return show_bytes(out, first.bytes, first.len, text);
    }
    const xt_ring_line *line = xt_ring_at(ring, 0);
    return line->len == 0 ? 0 : show_bytes(out, line->bytes, line->len, text);
}

static bool
is_shown(const output *out, const xt_ring *ring)
{
    return ring != &out->rings[out->filled] && xt_ring_len(ring) > 0;
}

/* What show_next() has shown is out. The caller is in the section. */
static void
take_out(output *out, xt_ring *ring)
{
    if (!out->headed) {
        out->headed = true;
    }
    else if (is_shown(out, ring)) {
        xt_ring_take(ring);
    }
}

/* The ring to be shown: the one that was filled so far, unless another call,
   of another thread or of this one in a handler of a signal, has not come to
   the end of the other. The caller is in the section. */
static xt_ring *
ring_to_show(output *out)
{
    xt_ring *other = &out->rings[1 - out->filled];
    if (xt_ring_len(other) > 0) {
        return other;
    }
    xt_ring_clear(other);
    out->headed = false;
    out->filled = 1 - out->filled;
    return &out->rings[1 - out->filled];
}

int
output_show_last(output *out)
{
    sync_enter(&out->section);
    xt_ring *ring = ring_to_show(out);
    sync_leave(&out->section);
    int result = 0;
    bool more = true;
    while (more && result == 0) {
        PyObject *text = NULL;
        sync_enter(&out->section);
        more = out->closed == OUTPUT_OPEN && is_shown(out, ring);
        result = more ? show_next(out, ring, &text) : 0;
        if (more && text == NULL && result == 0) {
            take_out(out, ring);
        }
        sync_leave(&out->section);
        if (text != NULL) {
            result = write_to_stderr(text);
            Py_DECREF(text);
            if (result == 0) {
                sync_enter(&out->section);
                take_out(out, ring);
                sync_leave(&out->section);
            }
        }
        (void)is_to_go_on(out, &result);
    }
    if (result == 0) {
        return output_flush(out);
    }
    sync_enter(&out->section);
    xt_ring_clear(&out->rings[1 - out->filled]);
    sync_leave(&out->section);
    return -1;
}

/* To the file, or past sys.stderr. */
static void
show_blindly(output *out, const char *bytes, size_t len)
{
    if (out->file != NULL) {
        tracefile_put_blindly(out->file, bytes, len, TRACEFILE_A_WHILE);
    }
    else {
        tracefile_write_blindly(2, bytes, len, TRACEFILE_A_WHILE);
    }
}

/* The one that is being shown, if any. */
static void
show_ring_blindly(output *out)
{
    xt_ring *ring = &out->rings[1 - out->filled];
    size_t count = xt_ring_len(ring);
    if (count > 0 && !out->headed) {
        headline first = make_headline(ring);
        show_blindly(out, first.bytes, first.len);
        out->headed = true;
    }
    for (; count > 0; count--) {
        const xt_ring_line *line = xt_ring_at(ring, 0);
        show_blindly(out, line->bytes, line->len);
        xt_ring_take(ring);
    }
}

void
output_rescue(output *out, output_occasion occasion)
{
    tracefile *file = out->file;
    bool hurries = occasion == OUTPUT_DIES || out->closed;
    tracefile_patience patience = hurries || occasion == OUTPUT_GOES_ON
                                      ? TRACEFILE_A_WHILE
                                      : TRACEFILE_FOREVER;
    if (file != NULL && hurries) {
        tracefile_hurry(file);
    }
    if (occasion == OUTPUT_DIES) {
        show_ring_blindly(out);
        out->headed = false;
        out->filled = 1 - out->filled;
        show_ring_blindly(out);
    }
    if (file != NULL) {
        tracefile_flush_blindly(file, patience);
    }
    if (file != NULL && hurries) {
        tracefile_drop(file);
    }
}

void
output_forget(output *out)
{
    if (out->file != NULL) {
        tracefile_forget(out->file);
    }
    xt_ring_clear(&out->rings[0]);
    xt_ring_clear(&out->rings[1]);
    out->closed = OUTPUT_OPEN;
}
