// SPDX-License-Identifier: Apache-2.0
/* A pickle is a program for a machine with a stack and a memo. This machine
 * knows only the values that a counts file can hold:
 *
 *     text, None, integer
 *     line      (text, integer)
 *     function  (text, text or None, text)
 *     call      (function, function)
 *     dict      of lines, of functions, or of calls (a text: named by hand)
 *     result    (dict of lines, dict of functions, dict of calls)
 *
 * A tuple becomes one of these the moment it is built, or the file is
 * refused, so every value has a fixed size, nothing nests, and nothing is
 * walked through afterwards: a dict's items go straight into the tally.
 * A value is pushed, or enters the memo, by at least one byte of input, so
 * memory is linear in it. No opcode drops a value, so whatever was read is
 * part of the result in the end.
 */
#include "pickle_read.h"

#include "cursor.h"
#include "mem.h"
#include "pickle_ops.h"
#include "pickle_refused.h"
#include "utf8.h"

typedef enum {
    KIND_MARK, /* b: where the mark below is, or NO_MARK */
    KIND_TEXT, /* a: string */
    KIND_NONE,
    KIND_NUMBER,   /* b */
    KIND_LINE,     /* a: file, b: line */
    KIND_FUNCTION, /* a: number of the function */
    KIND_CALL,     /* a: caller, b: callee */
    KIND_DICT,     /* a: which */
    KIND_RESULT,
} value_kind;

typedef struct {
    uint32_t kind;
    uint32_t a;
    int64_t b;
} value;

typedef struct {
    value *items; /* owned */
    size_t len, cap;
} value_list;

enum { NO_MARK = -1, NDICTS = 3 };

typedef struct {
    xt_cursor in;
    const uint8_t *start; /* of the input */
    const char *what;     /* why the file is refused */
    xt_tally tally;       /* what is being built */
    value_list stack;
    value_list memo;
    int64_t mark; /* where the topmost mark lies on the stack */
    uint32_t ndicts;
    value_kind keys[NDICTS]; /* of each dict; KIND_MARK: still empty */
    int done;
} reader;

static xt_status
refuse(reader *r, xt_status status, const char *what)
{
    r->what = what;
    return status;
}

/* A status from the tally, which has no words of its own. */
static xt_status
pass(reader *r, xt_status status)
{
    if (status == XT_NOMEM) {
        r->what = "too little memory";
    }
    else if (status != XT_OK) {
        r->what = "too many rows";
    }
    return status;
}

static xt_status
cut_off(reader *r)
{
    return refuse(r, XT_CORRUPT, "the file ends too early");
}

static xt_status
append(reader *r, value_list *list, value item)
{
    value *items =
        xt_grow(list->items, &list->cap, list->len + 1, sizeof(*items));
    if (items == NULL) {
        return pass(r, XT_NOMEM);
    }
    list->items = items;
    items[list->len++] = item;
    return XT_OK;
}

static xt_status
push(reader *r, value_kind kind, uint32_t a, int64_t b)
{
    return append(r, &r->stack, (value){kind, a, b});
}

/* How many values lie above the topmost mark. */
static size_t
above_mark(const reader *r)
{
    return r->stack.len - (size_t)(r->mark + 1);
}

static xt_status
push_mark(reader *r)
{
    int64_t at = (int64_t)r->stack.len;
    xt_status status = push(r, KIND_MARK, 0, r->mark);
    if (status == XT_OK) {
        r->mark = at;
    }
    return status;
}

/* Takes the topmost mark and the values above it off the stack. They stay
   in their memory until something is pushed: *items points at them. */
static xt_status
pop_to_mark(reader *r, const value **items, size_t *n)
{
    if (r->mark == NO_MARK) {
        return refuse(r, XT_CORRUPT, "no mark on the stack");
    }
    *n = above_mark(r);
    *items = r->stack.items + r->mark + 1;
    r->stack.len = (size_t)r->mark;
    r->mark = r->stack.items[r->mark].b;
    return XT_OK;
}

static xt_status
pop(reader *r, size_t n, const value **items)
{
    if (above_mark(r) < n) {
        return refuse(r, XT_CORRUPT, "too few values on the stack");
    }
    r->stack.len -= n;
    *items = r->stack.items + r->stack.len;
    return XT_OK;
}

static xt_status
push_text(reader *r, unsigned length_size)
{
    uint64_t len;
    const uint8_t *bytes;
    if (!xt_cursor_number(&r->in, length_size, &len) ||
        !xt_cursor_take(&r->in, len, &bytes)) {
        return cut_off(r);
    }
    if (!xt_utf8_is_valid(bytes, (size_t)len)) {
        return refuse(r, XT_CORRUPT, "text that is not UTF-8");
    }
    uint32_t id;
    xt_status status = xt_strtab_intern(&r->tally.strings, (const char *)bytes,
                                        (size_t)len, &id);
    if (status != XT_OK) {
        return pass(r, status);
    }
    return push(r, KIND_TEXT, id, 0);
}

/* BININT1 and BININT2 have no sign, BININT and LONG1 have one. */
static xt_status
push_binary_number(reader *r, unsigned size, int has_sign)
{
    uint64_t bits;
    if (!xt_cursor_number(&r->in, size, &bits)) {
        return cut_off(r);
    }
    if (has_sign && size > 0 && size < 8 && (bits >> (8 * size - 1)) != 0) {
        bits |= UINT64_MAX << (8 * size);
    }
    /* Two's complement, without relying on what a cast does above the
       maximum. */
    int64_t number =
        bits <= INT64_MAX ? (int64_t)bits : -(int64_t)(UINT64_MAX - bits) - 1;
    return push(r, KIND_NUMBER, 0, number);
}

static xt_status
push_long1(reader *r)
{
    uint64_t size;
    if (!xt_cursor_number(&r->in, 1, &size) || size > xt_cursor_left(&r->in)) {
        return cut_off(r);
    }
    if (size > 8) {
        return refuse(r, XT_UNSUPPORTED, "an integer of more than 64 bits");
    }
    return push_binary_number(r, (unsigned)size, 1);
}

/* LONG: decimal digits, 'L' and a newline. */
static xt_status
push_decimal(reader *r)
{
    xt_cursor *in = &r->in;
    int negative = in->p < in->end && *in->p == '-';
    in->p += negative;
    const uint8_t *first = in->p;
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t number = 0;
    for (; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++) {
        unsigned digit = (unsigned)(*in->p - '0');
        if (number > (limit - digit) / 10) {
            return refuse(r, XT_UNSUPPORTED,
                          "an integer of more than 64 bits");
        }
        number = number * 10 + digit;
    }
    if (in->p == in->end || (*in->p == 'L' && in->end - in->p < 2)) {
        return cut_off(r);
    }
    if (in->p == first || in->p[0] != 'L' || in->p[1] != '\n') {
        return refuse(r, XT_CORRUPT, "a malformed integer");
    }
    in->p += 2;
    /* In two steps: the lowest number has no positive counterpart. */
    int64_t signed_number =
        negative && number > 0 ? -(int64_t)(number - 1) - 1 : (int64_t)number;
    return push(r, KIND_NUMBER, 0, signed_number);
}

/* Python's pickler numbers what it remembers 0, 1, 2, ...; so the memo needs
   no more room than the input has opcodes. */
static xt_status
remember(reader *r, uint64_t number)
{
    if (above_mark(r) == 0) {
        return refuse(r, XT_CORRUPT, "too few values on the stack");
    }
    if (number != r->memo.len) {
        return refuse(r, XT_UNSUPPORTED, "memo numbers out of order");
    }
    return append(r, &r->memo, r->stack.items[r->stack.len - 1]);
}

static xt_status
remember_as(reader *r, unsigned size)
{
    uint64_t number;
    if (!xt_cursor_number(&r->in, size, &number)) {
        return cut_off(r);
    }
    return remember(r, number);
}

static xt_status
recall(reader *r, unsigned size)
{
    uint64_t number;
    if (!xt_cursor_number(&r->in, size, &number)) {
        return cut_off(r);
    }
    if (number >= r->memo.len) {
        return refuse(r, XT_CORRUPT, "a memo number that was never set");
    }
    return append(r, &r->stack, r->memo.items[number]);
}

static xt_status
push_dict(reader *r)
{
    if (r->ndicts == NDICTS) {
        return refuse(r, XT_UNSUPPORTED, "more than three dicts");
    }
    r->keys[r->ndicts] = KIND_MARK;
    return push(r, KIND_DICT, r->ndicts++, 0);
}

static xt_status
push_function(reader *r, uint32_t file, uint32_t module, uint32_t name)
{
    uint32_t number;
    xt_status status =
        xt_tally_function_number(&r->tally, file, module, name, &number);
    if (status != XT_OK) {
        return pass(r, status);
    }
    return push(r, KIND_FUNCTION, number, 0);
}

/* Whether the value is a dict with that kind of keys, or an empty one. */
static int
is_dict_of(const reader *r, const value *item, value_kind keys)
{
    return item->kind == KIND_DICT &&
           (r->keys[item->a] == keys || r->keys[item->a] == KIND_MARK);
}

static xt_status
push_tuple(reader *r, const value *items, size_t n)
{
    if (n == 2 && items[0].kind == KIND_TEXT && items[1].kind == KIND_NUMBER) {
        return push(r, KIND_LINE, items[0].a, items[1].b);
    }
    if (n == 2 && items[0].kind == KIND_FUNCTION &&
        items[1].kind == KIND_FUNCTION) {
        return push(r, KIND_CALL, items[0].a, items[1].a);
    }
    if (n == 3 && items[0].kind == KIND_TEXT &&
        (items[1].kind == KIND_TEXT || items[1].kind == KIND_NONE) &&
        items[2].kind == KIND_TEXT) {
        return push_function(r, items[0].a, items[1].a, items[2].a);
    }
    if (n == 3 && is_dict_of(r, &items[0], KIND_LINE) &&
        is_dict_of(r, &items[1], KIND_FUNCTION) &&
        is_dict_of(r, &items[2], KIND_CALL)) {
        return push(r, KIND_RESULT, 0, 0);
    }
    return refuse(r, XT_UNSUPPORTED, "a tuple that no counts file holds");
}

static xt_status
push_popped_tuple(reader *r, size_t n)
{
    const value *items;
    xt_status status = pop(r, n, &items);
    return status == XT_OK ? push_tuple(r, items, n) : status;
}

static xt_status
push_marked_tuple(reader *r)
{
    const value *items;
    size_t n;
    xt_status status = pop_to_mark(r, &items, &n);
    return status == XT_OK ? push_tuple(r, items, n) : status;
}

static xt_status
set_item(reader *r, uint32_t dict, const value *key, const value *item)
{
    if (key->kind != KIND_LINE && key->kind != KIND_FUNCTION &&
        key->kind != KIND_CALL && key->kind != KIND_TEXT) {
        return refuse(r, XT_UNSUPPORTED, "a key that no counts file holds");
    }
    value_kind kind = key->kind == KIND_TEXT ? KIND_CALL : key->kind;
    if (r->keys[dict] != KIND_MARK && r->keys[dict] != kind) {
        return refuse(r, XT_UNSUPPORTED, "a dict with keys of two kinds");
    }
    if (item->kind != KIND_NUMBER) {
        return refuse(r, XT_UNSUPPORTED, "a count that is no integer");
    }
    if (item->b < 0) {
        return refuse(r, XT_UNSUPPORTED, "a count below zero");
    }
    r->keys[dict] = kind;
    if (key->kind == KIND_LINE) {
        return pass(r, xt_tally_set_count(&r->tally, key->a, key->b, item->b));
    }
    /* The values of the other two dicts say nothing: the trace module looks
       at the keys only and sets the values to 1. */
    if (key->kind == KIND_FUNCTION) {
        xt_tally_set_called(&r->tally, key->a);
        return XT_OK;
    }
    if (key->kind == KIND_TEXT) {
        return pass(r, xt_tally_add_named_call(&r->tally, key->a));
    }
    return pass(r, xt_tally_add_call(&r->tally, key->a, (uint32_t)key->b));
}

/* Sets items, key and value in turn, in the dict on top of the stack. */
static xt_status
set_items(reader *r, const value *items, size_t n)
{
    if (n % 2 != 0) {
        return refuse(r, XT_CORRUPT, "a dict key without a value");
    }
    if (above_mark(r) == 0 ||
        r->stack.items[r->stack.len - 1].kind != KIND_DICT) {
        return refuse(r, XT_CORRUPT, "no dict under its items");
    }
    uint32_t dict = r->stack.items[r->stack.len - 1].a;
    for (size_t i = 0; i < n; i += 2) {
        xt_status status = set_item(r, dict, &items[i], &items[i + 1]);
        if (status != XT_OK) {
            return status;
        }
    }
    return XT_OK;
}

static xt_status
set_popped_item(reader *r)
{
    const value *items;
    xt_status status = pop(r, 2, &items);
    return status == XT_OK ? set_items(r, items, 2) : status;
}

static xt_status
set_marked_items(reader *r)
{
    const value *items;
    size_t n;
    xt_status status = pop_to_mark(r, &items, &n);
    return status == XT_OK ? set_items(r, items, n) : status;
}

static xt_status
check_protocol(reader *r)
{
    uint64_t version;
    if (r->in.p != r->start + 1) {
        return refuse(r, XT_CORRUPT, "a protocol number inside the file");
    }
    if (!xt_cursor_number(&r->in, 1, &version)) {
        return cut_off(r);
    }
    if (version < 2 || version > 5) {
        return refuse(r, XT_UNSUPPORTED, "an unknown pickle protocol");
    }
    return XT_OK;
}

/* A frame only says that so many bytes can be read at once. */
static xt_status
check_frame(reader *r)
{
    uint64_t len;
    if (!xt_cursor_number(&r->in, 8, &len) || len > xt_cursor_left(&r->in)) {
        return cut_off(r);
    }
    return XT_OK;
}

static xt_status
stop(reader *r)
{
    if (r->stack.len != 1 || r->stack.items[0].kind != KIND_RESULT) {
        return refuse(r, XT_UNSUPPORTED, "not a tuple of three dicts");
    }
    r->done = 1;
    return XT_OK;
}

static xt_status
refuse_opcode(reader *r, uint8_t op)
{
    const char *why = xt_pickle_refused_why(op);
    if (why == NULL) {
        return refuse(r, XT_CORRUPT, "no pickle opcode");
    }
    return refuse(r, XT_UNSUPPORTED, why);
}

/* Carries out one opcode, which has been stepped over. */
static xt_status
step(reader *r, uint8_t op)
{
    switch (op) {
    case XT_OP_PROTO:
        return check_protocol(r);
    case XT_OP_FRAME:
        return check_frame(r);
    case XT_OP_MARK:
        return push_mark(r);
    case XT_OP_NONE:
        return push(r, KIND_NONE, XT_STRTAB_NONE, 0);
    case XT_OP_SHORT_BINUNICODE:
        return push_text(r, 1);
    case XT_OP_BINUNICODE:
        return push_text(r, 4);
    case XT_OP_BINUNICODE8:
        return push_text(r, 8);
    case XT_OP_BININT1:
        return push_binary_number(r, 1, 0);
    case XT_OP_BININT2:
        return push_binary_number(r, 2, 0);
    case XT_OP_BININT:
        return push_binary_number(r, 4, 1);
    case XT_OP_LONG1:
        return push_long1(r);
    case XT_OP_LONG:
        return push_decimal(r);
    case XT_OP_BINPUT:
        return remember_as(r, 1);
    case XT_OP_LONG_BINPUT:
        return remember_as(r, 4);
    case XT_OP_MEMOIZE:
        return remember(r, r->memo.len);
    case XT_OP_BINGET:
        return recall(r, 1);
    case XT_OP_LONG_BINGET:
        return recall(r, 4);
    case XT_OP_TUPLE:
        return push_marked_tuple(r);
    case XT_OP_TUPLE2:
        return push_popped_tuple(r, 2);
    case XT_OP_TUPLE3:
        return push_popped_tuple(r, 3);
    case XT_OP_EMPTY_DICT:
        return push_dict(r);
    case XT_OP_SETITEM:
        return set_popped_item(r);
    case XT_OP_SETITEMS:
        return set_marked_items(r);
    case XT_OP_STOP:
        return stop(r);
    default:
        return refuse_opcode(r, op);
    }
}

/* Runs to the STOP opcode. *at is the offset of the last opcode begun. */
static xt_status
run(reader *r, size_t *at)
{
    xt_status status = XT_OK;
    while (status == XT_OK && !r->done) {
        uint64_t op;
        *at = (size_t)(r->in.p - r->start);
        status = xt_cursor_number(&r->in, 1, &op) ? step(r, (uint8_t)op)
                                                  : cut_off(r);
    }
    if (status == XT_OK && xt_cursor_left(&r->in) > 0) {
        *at = (size_t)(r->in.p - r->start);
        status = refuse(r, XT_CORRUPT, "more bytes after the end");
    }
    return status;
}

xt_status
xt_pickle_read(const uint8_t *bytes, size_t len, xt_tally *out,
               xt_pickle_fault *fault)
{
    reader r = {
        .in = {bytes, bytes + len},
        .start = bytes,
        .mark = NO_MARK,
    };
    size_t at = 0;
    xt_status status = run(&r, &at);
    xt_free(r.stack.items);
    xt_free(r.memo.items);
    if (status == XT_OK) {
        *out = r.tally;
    }
    else {
        xt_tally_fini(&r.tally);
        *fault = (xt_pickle_fault){at, r.what};
    }
    return status;
}
