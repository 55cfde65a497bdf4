// SPDX-License-Identifier: Apache-2.0
#include "fewcall.h"

#include "frame.h"
#include "history.h"
#include "mem.h"

few_calls *
fewcall_new(PyCodeObject *code, PyObject *file, uint32_t start,
            const xt_segments *segments)
{
    size_t len = segments->len;
    size_t size = len * sizeof(*segments->items);
    size_t hits = len * sizeof(int64_t);
    few_calls *few = xt_malloc(sizeof(*few));
    int64_t *memory = len > 0 && few != NULL ? xt_malloc(hits + size) : NULL;
    if (few == NULL || (len > 0 && memory == NULL)) {
        xt_free(few);
        Py_DECREF(file);
        PyErr_NoMemory();
        return NULL;
    }
    *few = (few_calls){
        .code = code,
        .file = file,
        .name = Py_NewRef(code->co_filename),
        .start = start,
        .resume = segments->resume,
        .len = (uint32_t)len,
    };
    if (len > 0) {
        few->hits = memset(memory, 0, hits);
        few->segments = memcpy(memory + len, segments->items, size);
    }
    return few;
}

void
fewcall_clear(few_calls *few)
{
    xt_free(few->breaks);
    xt_free(few->hits);
    few->breaks = NULL;
    few->breaks_len = few->breaks_cap = few->lives = 0;
    few->calls = 0;
    few->hits = NULL;
    few->segments = NULL;
    few->len = 0;
}

void
fewcall_free(few_calls *few)
{
    fewcall_clear(few);
    Py_DECREF(few->file);
    Py_DECREF(few->name);
    xt_free(few);
}

bool
fewcall_add_break(few_calls *few, few_break what)
{
    few_break *breaks = xt_grow(few->breaks, &few->breaks_cap,
                                few->breaks_len + 1, sizeof(*breaks));
    if (breaks == NULL) {
        return false;
    }
    few->breaks = breaks;
    breaks[few->breaks_len++] = what;
    return true;
}

/* Frames that were found running will run the rest. */
static void
go_on_from_lives(few_calls *few)
{
    size_t before = few->breaks_len - few->lives;
    for (size_t i = 0; i < few->lives; i++) {
        few->breaks[i] = few->breaks[before + i];
        few->breaks[i].rest = 1;
    }
    few->breaks_len = few->lives;
    few->lives = 0;
    few->calls = 0;
}

void
fewcall_sum(few_calls *few)
{
    const xt_segment *segments = few->segments;
    uint16_t *code = frame_code_start(few->code);
    if (few->len == 0) {
        return;
    }
    xt_history_add_calls(segments, few->resume, few->calls, few->hits);
    xt_history_add_turns(segments, few->len, code, few->hits);
    xt_history_begin(segments, few->len, code);
    for (size_t i = 0; i < few->breaks_len; i++) {
        const few_break *at = &few->breaks[i];
        xt_history_add_rest(segments, few->len, at->stands, at->rest,
                            few->hits);
        if (at->handler != XT_NONE) {
            xt_history_add_handled(segments, few->len, at->stands, at->handler,
                                   few->hits);
        }
    }
    go_on_from_lives(few);
}

/* The run that all calls of straight code have had. */
static straight_run
run_of(const few_calls *few)
{
    return (straight_run){
        .table = few->code->co_linetable,
        .first_line = few->code->co_firstlineno,
        .start = few->start,
        .from = few->start,
        .to = XT_NONE,
        .times = few->calls,
    };
}

/* Straight code, in which not all frames have gone all the way. */
static int
add_parts(const few_calls *few, file_table *table, traced_file *file)
{
    const straight_run run = run_of(few);
    xt_straight way = runlog_way(&run);
    int result = 0;
    while (result == 0 && xt_straight_next(&way)) {
        int64_t hits = few->calls;
        for (size_t i = 0; i < few->breaks_len; i++) {
            const few_break *at = &few->breaks[i];
            hits += at->stands < way.unit ? at->rest : 0;
        }
        if (hits > 0) {
            result = files_add(table, file, way.line, (uint64_t)hits);
        }
    }
    return result;
}

static bool
is_run(const few_calls *few)
{
    return few->len == 0 && few->breaks_len == 0;
}

int
fewcall_reserve(const few_calls *few, file_table *table)
{
    if (is_run(few)) {
        return files_reserve_run(table);
    }
    size_t lines = few->len > 0
                       ? few->len
                       : (size_t)PyBytes_GET_SIZE(few->code->co_linetable);
    return files_reserve(table, lines);
}

int
fewcall_add(const few_calls *few, file_table *table, traced_file *file)
{
    if (few->len > 0) {
        return files_add_segments(table, file, few->segments, few->len,
                                  few->hits);
    }
    if (!is_run(few)) {
        return add_parts(few, table, file);
    }
    const straight_run run = run_of(few);
    return few->calls == 0 ? 0 : files_add_run(table, file, &run);
}

void
fewcall_counted(few_calls *few)
{
    if (few->len == 0) {
        go_on_from_lives(few);
    }
    for (uint32_t i = 0; i < few->len; i++) {
        few->hits[i] = few->hits[i] < 0 ? few->hits[i] : 0;
    }
}
