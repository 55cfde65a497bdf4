// SPDX-License-Identifier: Apache-2.0
#include "shortrepr.h"

#include <stdbool.h>

enum {
    ITEMS = 8,      /* that are shown of a container */
    DEPTH = 4,      /* of containers in containers */
    LEAF = 100,     /* characters of what is no container */
    COUNTED = 1000, /* items of a foreign container that is shown at all */
};

typedef struct {
    xt_buf *buf;
    size_t start; /* where it began in the buffer */
} writer;

static int add_value(writer *out, PyObject *value, int depth);

static int
add_bytes(xt_buf *buf, const char *bytes, size_t len)
{
    if (xt_buf_append(buf, bytes, len) != XT_OK) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

int
shortrepr_add_text(xt_buf *buf, const char *text)
{
    return add_bytes(buf, text, strlen(text));
}

int
shortrepr_add_str(xt_buf *buf, PyObject *text)
{
    PyObject *bytes =
        PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    if (bytes == NULL) {
        return -1;
    }
    int result = add_bytes(buf, PyBytes_AS_STRING(bytes),
                           (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return result;
}

static bool
is_full(const writer *out)
{
    return out->buf->len - out->start >= SHORTREPR_MAX;
}

/* Appends the beginning of a text, in one line. */
static int
add_cut(writer *out, PyObject *text, Py_ssize_t most)
{
    Py_ssize_t len = PyUnicode_GET_LENGTH(text);
    PyObject *part =
        len > most ? PyUnicode_Substring(text, 0, most) : Py_NewRef(text);
    if (part == NULL) {
        return -1;
    }
    size_t from = out->buf->len;
    int result = shortrepr_add_str(out->buf, part);
    Py_DECREF(part);
    for (size_t i = from; result == 0 && i < out->buf->len; i++) {
        /* A repr of the program's own may have any characters. */
        if ((unsigned char)out->buf->bytes[i] < ' ') {
            out->buf->bytes[i] = ' ';
        }
    }
    if (result == 0 && len > most) {
        result = shortrepr_add_text(out->buf, "...");
    }
    return result;
}

/* Whether the exception that is set is one of the value's own making. */
static bool
is_of_value(void)
{
    return !PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
}

/* Appends what there is to say instead of a repr. An exception is set. */
static int
add_failure(writer *out)
{
    if (!is_of_value()) {
        return -1;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *name =
        type == NULL ? NULL : PyType_GetName((PyTypeObject *)type);
    PyErr_Clear();
    int result = shortrepr_add_text(out->buf, "<repr failed: ");
    if (result == 0) {
        result = name == NULL ? shortrepr_add_text(out->buf, "?")
                              : add_cut(out, name, LEAF);
    }
    if (result == 0) {
        result = shortrepr_add_text(out->buf, ">");
    }
    Py_XDECREF(name);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return result;
}

/* Appends what repr() or str() has returned: takes the reference. */
static int
add_returned(writer *out, PyObject *text)
{
    if (text == NULL) {
        return add_failure(out);
    }
    int result = add_cut(out, text, LEAF);
    Py_DECREF(text);
    return result;
}

/* "<TYPE of N WHAT>" */
static int
add_size(writer *out, PyObject *value, Py_ssize_t size, const char *what)
{
    PyObject *name = PyType_GetName(Py_TYPE(value));
    PyObject *text = name == NULL ? NULL
                                  : PyUnicode_FromFormat("<%U of %zd %s>",
                                                         name, size, what);
    Py_XDECREF(name);
    return add_returned(out, text);
}

static int
add_int(writer *out, PyObject *value)
{
    int overflow;
    (void)PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
        return add_returned(out, PyLong_Type.tp_repr(value));
    }
    PyObject *bits = PyObject_CallMethod((PyObject *)&PyLong_Type,
                                         "bit_length", "O", value);
    Py_ssize_t size = bits == NULL ? -1 : PyLong_AsSsize_t(bits);
    Py_XDECREF(bits);
    if (size < 0) {
        return add_failure(out);
    }
    return size > 3 * LEAF ? add_size(out, value, size, "bits")
                           : add_returned(out, PyLong_Type.tp_repr(value));
}

/* Of a str or bytes: the repr of its beginning. */
static int
add_string(writer *out, PyObject *value)
{
    bool is_text = PyUnicode_Check(value);
    Py_ssize_t len =
        is_text ? PyUnicode_GET_LENGTH(value) : PyBytes_GET_SIZE(value);
    PyObject *part;
    if (len <= LEAF) {
        part = Py_NewRef(value);
    }
    else if (is_text) {
        part = PyUnicode_Substring(value, 0, LEAF);
    }
    else {
        part = PyBytes_FromStringAndSize(PyBytes_AS_STRING(value), LEAF);
    }
    if (part == NULL) {
        return add_failure(out);
    }
    PyObject *text =
        is_text ? PyUnicode_Type.tp_repr(part) : PyBytes_Type.tp_repr(part);
    Py_DECREF(part);
    int result =
        text == NULL ? add_failure(out) : add_cut(out, text, 4 * LEAF);
    Py_XDECREF(text);
    if (result == 0 && len > LEAF) {
        result = shortrepr_add_text(out->buf, "...");
    }
    return result;
}

/* The first items of a container (keys and values in turn, of a dict), with
   references of their own: what it holds may change while they are shown. */
typedef struct {
    PyObject *items[2 * ITEMS];
    Py_ssize_t len;
    bool all; /* there are no more */
} sample;

static void
take_dict(PyObject *value, sample *taken)
{
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *item;
    while (taken->len < 2 * ITEMS && PyDict_Next(value, &at, &key, &item)) {
        taken->items[taken->len++] = Py_NewRef(key);
        taken->items[taken->len++] = Py_NewRef(item);
    }
    taken->all = taken->len == 2 * PyDict_GET_SIZE(value);
}

static void
take_sequence(PyObject *value, sample *taken)
{
    bool is_list = PyList_Check(value);
    Py_ssize_t len =
        is_list ? PyList_GET_SIZE(value) : PyTuple_GET_SIZE(value);
    for (; taken->len < len && taken->len < ITEMS; taken->len++) {
        PyObject *item = is_list ? PyList_GET_ITEM(value, taken->len)
                                 : PyTuple_GET_ITEM(value, taken->len);
        taken->items[taken->len] = Py_NewRef(item);
    }
    taken->all = taken->len == len;
}

/* Only of exact types, whose iterators run no code of the program. */
static void
take_set(PyObject *value, sample *taken)
{
    PyObject *iterator = PyObject_GetIter(value);
    while (iterator != NULL && taken->len < ITEMS) {
        PyObject *item = PyIter_Next(iterator);
        if (item == NULL) {
            break;
        }
        taken->items[taken->len++] = item;
    }
    PyErr_Clear();
    Py_XDECREF(iterator);
    taken->all = taken->len == PySet_GET_SIZE(value);
}

static int
add_sample(writer *out, sample *taken, bool pairs, int depth)
{
    int result = 0;
    for (Py_ssize_t i = 0; i < taken->len && result == 0; i++) {
        if (is_full(out)) {
            taken->all = false;
            break;
        }
        if (i > 0) {
            bool is_value = pairs && i % 2 == 1;
            result = shortrepr_add_text(out->buf, is_value ? ": " : ", ");
        }
        if (result == 0) {
            result = add_value(out, taken->items[i], depth + 1);
        }
    }
    if (result == 0 && !taken->all) {
        result =
            shortrepr_add_text(out->buf, taken->len > 0 ? ", ..." : "...");
    }
    for (Py_ssize_t i = 0; i < taken->len; i++) {
        Py_DECREF(taken->items[i]);
    }
    return result;
}

static int
add_container(writer *out, PyObject *value, int depth)
{
    const char *begin = "{";
    const char *end = "}";
    sample taken = {.len = 0};
    if (depth >= DEPTH) {
        taken.all = false;
    }
    else if (PyDict_Check(value)) {
        take_dict(value, &taken);
    }
    else if (PyAnySet_Check(value)) {
        take_set(value, &taken);
    }
    else {
        take_sequence(value, &taken);
    }
    if (PyList_Check(value)) {
        begin = "[", end = "]";
    }
    else if (PyTuple_Check(value)) {
        begin = "(", end = taken.all && taken.len == 1 ? ",)" : ")";
    }
    else if (PyFrozenSet_Check(value)) {
        begin = "frozenset({", end = "})";
    }
    if (PyAnySet_Check(value) && taken.all && taken.len == 0) {
        return shortrepr_add_text(
            out->buf, PyFrozenSet_Check(value) ? "frozenset()" : "set()");
    }
    int result = shortrepr_add_text(out->buf, begin);
    if (result == 0) {
        result = add_sample(out, &taken, PyDict_Check(value), depth);
    }
    return result == 0 ? shortrepr_add_text(out->buf, end) : -1;
}

/* How many items an object of another type has, if its type says so in C; 0
   else. */
static Py_ssize_t
foreign_size(PyObject *value)
{
    PyObject *method =
        PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__len__");
    Py_ssize_t size = 0;
    if (method != NULL && Py_IS_TYPE(method, &PyWrapperDescr_Type)) {
        size = PyObject_Size(value);
    }
    PyErr_Clear();
    Py_XDECREF(method);
    return size < 0 ? 0 : size;
}

static int
add_foreign(writer *out, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (type->tp_as_sequence != NULL || type->tp_as_mapping != NULL) {
        Py_ssize_t size = foreign_size(value);
        if (size > COUNTED) {
            return add_size(out, value, size, "items");
        }
    }
    /* What signals have to say is said to the program, as far as possible. */
    if (PyErr_CheckSignals() < 0) {
        return -1;
    }
    return add_returned(out, PyObject_Repr(value));
}

/* The repr of importlib would run code in Python. */
static int
add_module(writer *out, PyObject *value)
{
    PyObject *name = PyModule_GetNameObject(value);
    PyObject *text =
        name == NULL ? NULL : PyUnicode_FromFormat("<module %R>", name);
    Py_XDECREF(name);
    return add_returned(out, text);
}

static int
add_value(writer *out, PyObject *value, int depth)
{
    /* A subclass that has not a repr of its own is shown as what it is. */
    reprfunc repr = Py_TYPE(value)->tp_repr;
    if (repr == PyLong_Type.tp_repr && PyLong_Check(value)) {
        return add_int(out, value);
    }
    if ((repr == PyUnicode_Type.tp_repr && PyUnicode_Check(value)) ||
        (repr == PyBytes_Type.tp_repr && PyBytes_Check(value))) {
        return add_string(out, value);
    }
    if ((repr == PyList_Type.tp_repr && PyList_Check(value)) ||
        (repr == PyTuple_Type.tp_repr && PyTuple_Check(value)) ||
        (repr == PyDict_Type.tp_repr && PyDict_Check(value)) ||
        PyAnySet_CheckExact(value)) {
        return add_container(out, value, depth);
    }
    if (PyModule_CheckExact(value)) {
        return add_module(out, value);
    }
    if (PyFunction_Check(value)) {
        PyObject *name = ((PyFunctionObject *)value)->func_qualname;
        return add_returned(out, PyUnicode_FromFormat("<function %U>", name));
    }
    return add_foreign(out, value);
}

int
shortrepr_add(xt_buf *buf, PyObject *value)
{
    writer out = {.buf = buf, .start = buf->len};
    Py_INCREF(value);
    int result = add_value(&out, value, 0);
    Py_DECREF(value);
    return result;
}

int
shortrepr_add_exception(xt_buf *buf, PyObject *type, PyObject *value)
{
    writer out = {.buf = buf, .start = buf->len};
    PyObject *name = PyType_Check(type) ? PyType_GetName((PyTypeObject *)type)
                                        : PyObject_Repr(type);
    if (add_returned(&out, name) < 0) {
        return -1;
    }
    if (value == NULL || value == Py_None) {
        return 0;
    }
    PyObject *text = PyObject_Str(value);
    if (text != NULL && PyUnicode_GET_LENGTH(text) == 0) {
        Py_DECREF(text);
        return 0;
    }
    if (shortrepr_add_text(buf, ": ") < 0) {
        Py_XDECREF(text);
        return -1;
    }
    return add_returned(&out, text);
}
