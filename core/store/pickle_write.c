// SPDX-License-Identifier: Apache-2.0
/* Strings and functions that come again are fetched from the unpickler's
   memo, so that a row costs about ten bytes, not the length of its names. */
#include "pickle_write.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "pickle_ops.h"

/* As many items as Python's pickler sets at a time: it bounds the stack of
   whoever reads the file. */
enum { BATCH = 1000 };

typedef struct {
    const xt_tally *tally;
    xt_buf *out;
    xt_status status;         /* the first failure; later writes do nothing */
    uint32_t memo_size;       /* how many objects the memo holds */
    uint32_t *string_memos;   /* memo number + 1; 0: not written yet */
    uint32_t *function_memos; /* likewise */
} writer;

static void
put_bytes(writer *w, const void *bytes, size_t len)
{
    if (w->status == XT_OK) {
        w->status = xt_buf_append(w->out, bytes, len);
    }
}

/* An opcode and its argument, `size` bytes, little-endian. */
static void
put_op(writer *w, int op, uint32_t argument, size_t size)
{
    const unsigned char bytes[5] = {
        (unsigned char)op,
        (unsigned char)argument,
        (unsigned char)(argument >> 8),
        (unsigned char)(argument >> 16),
        (unsigned char)(argument >> 24),
    };
    put_bytes(w, bytes, 1 + size);
}

static void
put_number(writer *w, int64_t number)
{
    if (number >= 0 && number <= UINT8_MAX) {
        put_op(w, XT_OP_BININT1, (uint32_t)number, 1);
    }
    else if (number >= 0 && number <= UINT16_MAX) {
        put_op(w, XT_OP_BININT2, (uint32_t)number, 2);
    }
    else if (number >= INT32_MIN && number <= INT32_MAX) {
        put_op(w, XT_OP_BININT, (uint32_t)number, 4);
    }
    else {
        char text[32];
        int len = snprintf(text, sizeof(text), "%c%" PRId64 "L\n", XT_OP_LONG,
                           number);
        put_bytes(w, text, (size_t)len);
    }
}

/* Enters the object just written into the memo. */
static void
put_memo(writer *w, uint32_t *memo)
{
    uint32_t number = w->memo_size++;
    if (number <= UINT8_MAX) {
        put_op(w, XT_OP_BINPUT, number, 1);
    }
    else {
        put_op(w, XT_OP_LONG_BINPUT, number, 4);
    }
    *memo = number + 1;
}

/* Fetches an object from the memo. Returns 0 when it is not there yet. */
static int
put_known(writer *w, uint32_t memo)
{
    if (memo == 0) {
        return 0;
    }
    if (memo - 1 <= UINT8_MAX) {
        put_op(w, XT_OP_BINGET, memo - 1, 1);
    }
    else {
        put_op(w, XT_OP_LONG_BINGET, memo - 1, 4);
    }
    return 1;
}

static void
put_string(writer *w, uint32_t id)
{
    if (id == XT_STRTAB_NONE) {
        put_op(w, XT_OP_NONE, 0, 0);
        return;
    }
    if (put_known(w, w->string_memos[id - 1])) {
        return;
    }
    size_t len;
    const char *bytes = xt_strtab_get(&w->tally->strings, id, &len);
    if (len > UINT32_MAX) {
        w->status = w->status == XT_OK ? XT_UNSUPPORTED : w->status;
        return;
    }
    put_op(w, XT_OP_BINUNICODE, (uint32_t)len, 4);
    put_bytes(w, bytes, len);
    put_memo(w, &w->string_memos[id - 1]);
}

static void
put_function(writer *w, uint32_t number)
{
    if (put_known(w, w->function_memos[number])) {
        return;
    }
    const xt_tally_function *function = &w->tally->functions[number];
    put_op(w, XT_OP_MARK, 0, 0);
    put_string(w, function->file);
    put_string(w, function->module);
    put_string(w, function->name);
    put_op(w, XT_OP_TUPLE, 0, 0);
    put_memo(w, &w->function_memos[number]);
}

/* Before the i-th item of a dict: opens a batch, having closed the one
   before when it is full. */
static void
begin_item(writer *w, size_t i)
{
    if (i % BATCH == 0) {
        if (i > 0) {
            put_op(w, XT_OP_SETITEMS, 0, 0);
        }
        put_op(w, XT_OP_MARK, 0, 0);
    }
}

static void
end_items(writer *w, size_t n)
{
    if (n > 0) {
        put_op(w, XT_OP_SETITEMS, 0, 0);
    }
}

static void
put_counts(writer *w)
{
    const xt_tally *tally = w->tally;
    put_op(w, XT_OP_EMPTY_DICT, 0, 0);
    for (size_t i = 0; i < tally->ncounts && w->status == XT_OK; i++) {
        begin_item(w, i);
        put_op(w, XT_OP_MARK, 0, 0);
        put_string(w, tally->counts[i].file);
        put_number(w, tally->counts[i].line);
        put_op(w, XT_OP_TUPLE, 0, 0);
        put_number(w, tally->counts[i].count);
    }
    end_items(w, tally->ncounts);
}

static void
put_called(writer *w)
{
    const xt_tally *tally = w->tally;
    size_t n = 0;
    put_op(w, XT_OP_EMPTY_DICT, 0, 0);
    for (size_t i = 0; i < tally->nfunctions && w->status == XT_OK; i++) {
        if (tally->functions[i].called) {
            begin_item(w, n++);
            put_function(w, (uint32_t)i);
            put_number(w, 1);
        }
    }
    end_items(w, n);
}

static void
put_calls(writer *w)
{
    const xt_tally *tally = w->tally;
    put_op(w, XT_OP_EMPTY_DICT, 0, 0);
    for (size_t i = 0; i < tally->ncalls && w->status == XT_OK; i++) {
        const xt_tally_call *call = &tally->calls[i];
        begin_item(w, i);
        if (xt_tally_is_named_call(tally, call)) {
            put_string(w, tally->functions[call->caller].file);
        }
        else {
            put_op(w, XT_OP_MARK, 0, 0);
            put_function(w, call->caller);
            put_function(w, call->callee);
            put_op(w, XT_OP_TUPLE, 0, 0);
        }
        put_number(w, 1);
    }
    end_items(w, tally->ncalls);
}

xt_status
xt_pickle_write(const xt_tally *tally, xt_buf *out)
{
    size_t nstrings = tally->strings.count;
    size_t size = (nstrings + tally->nfunctions) * sizeof(uint32_t);
    uint32_t *memos = xt_malloc(size);
    if (memos == NULL) {
        return XT_NOMEM;
    }
    memset(memos, 0, size);
    size_t start = out->len;
    writer w = {
        .tally = tally,
        .out = out,
        .string_memos = memos,
        .function_memos = memos + nstrings,
    };
    put_op(&w, XT_OP_MARK, 0, 0);
    put_counts(&w);
    put_called(&w);
    put_calls(&w);
    put_op(&w, XT_OP_TUPLE, 0, 0);
    put_op(&w, XT_OP_STOP, 0, 0);
    xt_free(memos);
    if (w.status != XT_OK) {
        out->len = start;
    }
    return w.status;
}
