// SPDX-License-Identifier: Apache-2.0
#include "linelog.h"

#include "compat.h"
#include "dictwatch.h"
#include "mem.h"

/* As in files.c: beyond this, texts are made anew each time. */
enum { LINES_KEPT = 1 << 22 };

static PyObject *
import_attr(const char *module_name, const char *attribute)
{
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL) {
        return NULL;
    }
    PyObject *result = PyObject_GetAttrString(module, attribute);
    Py_DECREF(module);
    return result;
}

/* Finds the function behind io.TextIOWrapper.write, if it is as we know it. */
static void
find_write(line_log *log)
{
    PyTypeObject *type = (PyTypeObject *)log->text_type;
    PyObject *method = PyObject_GetAttr(log->text_type, log->s_write);
    if (method != NULL && PyType_Check(log->text_type) &&
        PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE) &&
        Py_IS_TYPE(method, &PyMethodDescr_Type)) {
        const PyMethodDef *found = ((PyMethodDescrObject *)method)->d_method;
        log->write = found->ml_flags == METH_O ? found->ml_meth : NULL;
    }
    Py_XDECREF(method);
    PyErr_Clear();
}

/* Done once for each log: other threads may be printing. */
static int
import_all(line_log *log)
{
    const struct {
        PyObject **field;
        const char *module;
        const char *attribute;
    } imports[] = {
        {&log->linecache, "linecache", "__dict__"},
        {&log->basename, "os.path", "basename"},
        {&log->monotonic, "time", "monotonic"},
        {&log->sys, "sys", "__dict__"},
        {&log->text_type, "_io", "TextIOWrapper"},
    };
    const struct {
        PyObject **field;
        const char *text;
    } strings[] = {
        {&log->s_stdout, "stdout"},
        {&log->s_write, "write"},
        {&log->s_cache, "cache"},
        {&log->s_getline, "getline"},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
        if (*strings[i].field == NULL) {
            *strings[i].field = PyUnicode_InternFromString(strings[i].text);
            if (*strings[i].field == NULL) {
                return -1;
            }
        }
    }
    for (size_t i = 0; i < sizeof(imports) / sizeof(*imports); i++) {
        if (*imports[i].field == NULL) {
            PyObject *value =
                import_attr(imports[i].module, imports[i].attribute);
            if (value == NULL) {
                return -1;
            }
            Py_XSETREF(*imports[i].field, value);
        }
    }
    if (log->write == NULL) {
        find_write(log);
    }
    return 0;
}

int
linelog_init(line_log *log, PyObject *start, int watcher)
{
    if (import_all(log) < 0) {
        return -1;
    }
    bool watched = dictwatch_add(watcher, log->sys) &&
                   dictwatch_add(watcher, log->linecache);
    log->watcher = watched ? watcher : -1;
    log->looked = 0;
    int timed = PyObject_IsTrue(start);
    if (timed < 0) {
        return -1;
    }
    double seconds = timed ? PyFloat_AsDouble(start) : 0.0;
    if (seconds == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    log->timed = timed != 0;
    log->start = seconds;
    log->broken = false;
    return 0;
}

void
linelog_clear(line_log *log)
{
    Py_CLEAR(log->sys);
    Py_CLEAR(log->linecache);
    Py_CLEAR(log->basename);
    Py_CLEAR(log->monotonic);
    Py_CLEAR(log->text_type);
    Py_CLEAR(log->s_stdout);
    Py_CLEAR(log->s_write);
    Py_CLEAR(log->s_cache);
    Py_CLEAR(log->s_getline);
    for (size_t i = 0; i < LINELOG_HEADERS; i++) {
        Py_CLEAR(log->headers[i].module);
        Py_CLEAR(log->headers[i].function);
        Py_CLEAR(log->headers[i].text);
    }
}

int
linelog_traverse(line_log *log, visitproc visit, void *arg)
{
    Py_VISIT(log->sys);
    Py_VISIT(log->linecache);
    Py_VISIT(log->basename);
    Py_VISIT(log->monotonic);
    Py_VISIT(log->text_type);
    return 0;
}

/* `text` with what `out` cannot encode written as escapes, or NULL with an
   exception. */
static PyObject *
escape_for(PyObject *out, PyObject *text)
{
    PyObject *encoding = PyObject_GetAttrString(out, "encoding");
    if (encoding == NULL) {
        return NULL;
    }
    PyObject *escaped = NULL;
    const char *name =
        PyUnicode_Check(encoding) ? PyUnicode_AsUTF8(encoding) : "ascii";
    PyObject *bytes =
        name == NULL
            ? NULL
            : PyUnicode_AsEncodedString(text, name, "backslashreplace");
    if (bytes != NULL) {
        escaped = PyUnicode_FromEncodedObject(bytes, name, "replace");
        Py_DECREF(bytes);
    }
    Py_DECREF(encoding);
    return escaped;
}

PyObject *
linelog_stdout(line_log *log)
{
    PyObject *out = PyDict_GetItemWithError(log->sys, log->s_stdout);
    PyErr_Clear();
    return out;
}

/* Whether a look that was taken so long ago still holds. */
static bool
still_holds(const line_log *log, uint64_t looked)
{
    return looked != 0 && looked == dictwatch_changes() && log->watcher >= 0;
}

/* Whether what `out` has for write() is the method of its type, and that is a
   TextIOWrapper: it mostly is, and looking this up takes as long as writing.
 */
static bool
is_plain(line_log *log, PyObject *out)
{
    if (log->write == NULL || Py_TYPE(out) != (PyTypeObject *)log->text_type) {
        return false;
    }
    PyObject *dict = PyObject_GenericGetDict(out, NULL);
    bool plain = dict != NULL && PyDict_Contains(dict, log->s_write) == 0;
    if (plain && dictwatch_add(log->watcher, dict)) {
        log->out = out;
        log->looked = dictwatch_changes();
    }
    Py_XDECREF(dict);
    PyErr_Clear();
    return plain;
}

static PyObject *
call_write(line_log *log, PyObject *out, PyObject *text)
{
    return is_plain(log, out)
               ? log->write(out, text)
               : PyObject_CallMethodOneArg(out, log->s_write, text);
}

/* Finishes a call of write(), which has given `done`. */
static int
finish_write(line_log *log, PyObject *out, PyObject *text, PyObject *done)
{
    if (done == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        PyObject *escaped = escape_for(out, text);
        if (escaped != NULL) {
            done = call_write(log, out, escaped);
            Py_DECREF(escaped);
        }
    }
    Py_DECREF(out);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

int
linelog_print(line_log *log, PyObject *text)
{
    PyObject *out;
    if (still_holds(log, log->looked)) {
        out = Py_NewRef(log->out);
        return finish_write(log, out, text, log->write(out, text));
    }
    int found = sync_dict_get(log->sys, log->s_stdout, &out);
    if (found <= 0) {
        if (found == 0) {
            PyErr_SetString(PyExc_RuntimeError, "lost sys.stdout");
        }
        return -1;
    }
    if (out == Py_None) {
        Py_DECREF(out);
        return 0;
    }
    return finish_write(log, out, text, call_write(log, out, text));
}

char *
linelog_stamp(line_log *log)
{
    PyObject *now = PyObject_CallNoArgs(log->monotonic);
    if (now == NULL) {
        return NULL;
    }
    double seconds = PyFloat_AsDouble(now) - log->start;
    Py_DECREF(now);
    char *digits = PyOS_double_to_string(seconds, 'f', 2, 0, NULL);
    size_t len = digits == NULL ? 0 : strlen(digits);
    char *stamp = digits == NULL ? NULL : PyMem_Realloc(digits, len + 2);
    if (stamp == NULL) {
        PyMem_Free(digits);
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(stamp + len, " ", 2);
    return stamp;
}

static int
print_time(line_log *log)
{
    char *stamp = linelog_stamp(log);
    if (stamp == NULL) {
        return -1;
    }
    PyObject *text = PyUnicode_FromString(stamp);
    PyMem_Free(stamp);
    int result = text == NULL ? -1 : linelog_print(log, text);
    Py_XDECREF(text);
    return result;
}

static PyObject *
format_line(line_log *log, PyObject *name, int line, PyObject *source)
{
    PyObject *base = PyObject_CallOneArg(log->basename, name);
    if (base == NULL) {
        return NULL;
    }
    PyObject *text =
        source != NULL && PyUnicode_GetLength(source) > 0
            ? PyUnicode_FromFormat("%U(%d)" COMPAT_BEFORE_SOURCE "%U", base,
                                   line, source)
            : PyUnicode_FromFormat("%U(%d)" COMPAT_NO_SOURCE, base, line);
    Py_DECREF(base);
    return text;
}

/* linecache knows no source for names such as <string> unless somebody put it
   there; asking again for each line would be slow. */
static bool
never_has_source(PyObject *name)
{
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    return length > 1 && PyUnicode_READ_CHAR(name, 0) == '<' &&
           PyUnicode_READ_CHAR(name, length - 1) == '>';
}

/* What linecache holds of the file: a new reference, NULL when nothing (or
   with an exception). *looked: the number of changes if those are noticed. */
static PyObject *
cached_source(line_log *log, PyObject *name, uint64_t *looked)
{
    PyObject *cache;
    PyObject *source = NULL;
    *looked = 0;
    if (sync_dict_get(log->linecache, log->s_cache, &cache) > 0 &&
        PyDict_Check(cache)) {
        if (dictwatch_add(log->watcher, cache)) {
            *looked = dictwatch_changes();
        }
        (void)sync_dict_get(cache, name, &source);
    }
    Py_XDECREF(cache);
    return source;
}

static void
forget_texts(traced_file *file)
{
    for (size_t i = 0; i < file->texts_cap; i++) {
        Py_CLEAR(file->texts[i]);
    }
}

/* Keeps `text` for the next time. Failing is harmless: it is made again. */
static void
keep_text(line_log *log, traced_file *file, int line, PyObject *text)
{
    uint64_t looked;
    PyObject *source = cached_source(log, file->name, &looked);
    bool lasts = source != NULL || never_has_source(file->name);
    PyErr_Clear();
    if (!lasts || line < 0 || line >= LINES_KEPT) {
        Py_XDECREF(source);
        return;
    }
    if (file->source != source) {
        forget_texts(file);
        Py_XSETREF(file->source, Py_XNewRef(source));
    }
    Py_XDECREF(source);
    size_t cap = file->texts_cap;
    PyObject **texts =
        xt_grow(file->texts, &cap, (size_t)line + 1, sizeof(*texts));
    if (texts == NULL) {
        return;
    }
    for (size_t i = file->texts_cap; i < cap; i++) {
        texts[i] = NULL;
    }
    file->texts = texts;
    file->texts_cap = cap;
    Py_XSETREF(texts[line], Py_NewRef(text));
}

PyObject *
linelog_text(line_log *log, traced_file *file, int line)
{
    bool known = line >= 0 && (size_t)line < file->texts_cap &&
                 file->texts[line] != NULL;
    if (known && still_holds(log, file->looked)) {
        return Py_NewRef(file->texts[line]);
    }
    uint64_t looked;
    PyObject *held = cached_source(log, file->name, &looked);
    if (held == NULL && PyErr_Occurred()) {
        return NULL;
    }
    Py_XDECREF(held); /* only what it is, is asked for */
    bool sourceless = held == NULL && never_has_source(file->name);
    if (known && held == file->source && (held != NULL || sourceless)) {
        file->looked = looked;
        return Py_NewRef(file->texts[line]);
    }
    if (sourceless) {
        PyObject *text = format_line(log, file->name, line, NULL);
        if (text != NULL) {
            keep_text(log, file, line, text);
        }
        return text;
    }
    PyObject *getline;
    int found = sync_dict_get(log->linecache, log->s_getline, &getline);
    if (found <= 0) {
        return found < 0 ? NULL : format_line(log, file->name, line, NULL);
    }
    PyObject *source = PyObject_CallFunction(getline, "Oi", file->name, line);
    Py_DECREF(getline);
    if (source == NULL) {
        return NULL;
    }
    PyObject *text = NULL;
    if (PyUnicode_Check(source)) {
        text = format_line(log, file->name, line, source);
    }
    else {
        PyErr_Format(PyExc_TypeError,
                     "linecache.getline() returned %R, not a str", source);
    }
    Py_DECREF(source);
    if (text != NULL) {
        keep_text(log, file, line, text);
    }
    return text;
}

int
linelog_line(line_log *log, traced_file *file, int line)
{
    if (log->broken) {
        return 0;
    }
    if (log->timed && print_time(log) < 0) {
        return -1;
    }
    PyObject *text = linelog_text(log, file, line);
    if (text == NULL) {
        return -1;
    }
    int result = linelog_print(log, text);
    Py_DECREF(text);
    return result;
}

PyObject *
linelog_header(line_log *log, PyObject *modulename, PyObject *funcname)
{
    uintptr_t mixed = (uintptr_t)modulename * 31 + (uintptr_t)funcname;
    linelog_header_text *place = &log->headers[(mixed >> 4) % LINELOG_HEADERS];
    PyObject *text = NULL;
    sync_take(&log->lock);
    if (place->module == modulename && place->function == funcname) {
        text = Py_NewRef(place->text);
    }
    sync_give(&log->lock);
    if (text != NULL) {
        return text;
    }
    text = PyUnicode_FromFormat(" --- modulename: %U, funcname: %U\n",
                                modulename, funcname);
    if (text != NULL) {
        sync_take(&log->lock);
        linelog_header_text old = *place;
        *place = (linelog_header_text){
            .module = Py_NewRef(modulename),
            .function = Py_NewRef(funcname),
            .text = Py_NewRef(text),
        };
        sync_give(&log->lock);
        Py_XDECREF(old.module);
        Py_XDECREF(old.function);
        Py_XDECREF(old.text);
    }
    return text;
}

int
linelog_call(line_log *log, PyObject *modulename, PyObject *funcname)
{
    if (log->broken) {
        return 0;
    }
    PyObject *text = linelog_header(log, modulename, funcname);
    if (text == NULL) {
        return -1;
    }
    int result = linelog_print(log, text);
    Py_DECREF(text);
    return result;
}
