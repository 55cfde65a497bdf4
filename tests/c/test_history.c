// SPDX-License-Identifier: Apache-2.0
/* What is remembered of frames, of code of every version: their line events
   are those of its graph, which are counted one by one beside it. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "ways.h"

static size_t codes;
static size_t turns;
static size_t stops;
static size_t handled;

/* Frames that run code as the interpreter would. */
typedef struct {
    const analysis *of;
    const xt_segments *segments;
    uint16_t *code;    /* owned: as it runs */
    int64_t *hits;     /* owned: per segment, what history.h says */
    int64_t *expected; /* owned: per line, from the lowest one on */
    int *turned;       /* owned: per instruction, the last call that had it */
    int calls;
    int32_t lowest;
    int32_t lines;
    uint32_t seed;
} running;

static void
expect(const running *r, int32_t line)
{
    if (line >= 0) {
        r->expected[line - r->lowest]++;
    }
}

/* A conditional jump runs: the outcome is shifted in, as in bytecodes.c. */
static bool
turn(running *r, uint32_t at)
{
    const xt_instr *jump = &r->of->instrs.items[at];
    bool jumps = ways_random(&r->seed) % 2 != 0;
    uint16_t *cache = &r->code[jump->end - 1];
    *cache = (uint16_t)(*cache << 1 | jumps);
    assert_int_not_equal(r->calls, r->turned[at]); /* it went round */
    r->turned[at] = r->calls;
    turns++;
    return jumps;
}

/* The next instruction, or XT_NONE. */
static uint32_t
step(running *r, uint32_t at)
{
    const xt_instr *instr = &r->of->instrs.items[at];
    switch ((xt_opcode_kind)instr->kind) {
    case XT_KIND_BRANCH:
        return turn(r, at) ? instr->target : at + 1;
    case XT_KIND_JUMP:
    case XT_KIND_SILENT_JUMP:
        return instr->target;
    case XT_KIND_RETURN:
    case XT_KIND_RAISE:
    case XT_KIND_RERAISE:
        return XT_NONE;
    default:
        return at + 1;
    }
}

/* An exception, or that the frame is found there: where it goes on, or
   XT_NONE. */
static uint32_t
leave(running *r, uint32_t at)
{
    const xt_segments *segments = r->segments;
    uint32_t stands = r->of->instrs.items[at].start;
    uint32_t handler = xt_instrs_find_handler(&r->of->instrs, at);
    xt_history_add_rest(segments->items, segments->len, stands, -1, r->hits);
    stops++;
    if (handler != XT_NONE) {
        xt_history_add_handled(segments->items, segments->len, stands,
                               r->of->instrs.items[handler].start, r->hits);
        expect(r, ways_fires(r->of, at, handler)
                      ? r->of->instrs.items[handler].line
                      : -1);
        handled++;
    }
    return handler;
}

/* One frame, which may be left by exceptions. */
static void
call(running *r)
{
    uint32_t at = r->of->graph.first_traceable;
    int raised = 0;
    r->calls++;
    while (at != XT_NONE) {
        uint8_t kind = r->of->instrs.items[at].kind;
        bool can = kind == XT_KIND_PLAIN || kind == XT_KIND_CALL;
        if (can && raised < 3 && ways_random(&r->seed) % 16 == 0) {
            at = leave(r, at);
            raised++;
            continue;
        }
        uint32_t next = step(r, at);
        expect(r, next == XT_NONE ? -1 : ways_line(r->of, at, next));
        at = next;
    }
}

static void
check_lines(const running *r)
{
    int64_t *found = calloc((size_t)r->lines, sizeof(*found));
    assert_non_null(found);
    for (size_t i = 0; i < r->segments->len; i++) {
        int32_t line = r->segments->items[i].line;
        if (line >= 0) {
            found[line - r->lowest] += r->hits[i];
        }
        else {
            assert_int_equal(0, r->hits[i]);
        }
    }
    assert_memory_equal(r->expected, found, (size_t)r->lines * sizeof(*found));
    free(found);
}

static void
find_lines(running *r)
{
    int32_t highest = 0;
    r->lowest = INT32_MAX;
    for (size_t i = 0; i < r->of->instrs.len; i++) {
        int32_t line = r->of->instrs.items[i].line;
        if (line >= 0) {
            highest = line > highest ? line : highest;
            r->lowest = line < r->lowest ? line : r->lowest;
        }
    }
    r->lines = r->lowest > highest ? 1 : highest - r->lowest + 1;
}

/* Some calls, and what is known of them. */
static void
check_calls(running *r)
{
    const xt_segments *segments = r->segments;
    memset(r->hits, 0, segments->len * sizeof(*r->hits));
    memset(r->expected, 0, (size_t)r->lines * sizeof(*r->expected));
    xt_history_begin(segments->items, segments->len, r->code);
    int calls = (int)(ways_random(&r->seed) % XT_HISTORY_CALLS) + 1;
    for (int i = 0; i < calls; i++) {
        call(r);
    }
    xt_history_add_calls(segments->items, segments->resume, calls, r->hits);
    xt_history_add_turns(segments->items, segments->len, r->code, r->hits);
    check_lines(r);
    codes++;
}

static void
check_history(const analysis *of, const xt_code_view *view, uint32_t seed)
{
    enum { LINES_MOST = 1 << 16, ROUNDS = 10 };
    xt_segments segments = {0};
    xt_status status = xt_segments_read(&segments, view, XT_TOLD_BY_HISTORY);
    running r = {.of = of, .segments = &segments, .seed = seed};
    find_lines(&r);
    if (status == XT_OK && r.lines < LINES_MOST) {
        r.code = malloc(view->code_len);
        r.hits = calloc(segments.len, sizeof(*r.hits));
        r.expected = calloc((size_t)r.lines, sizeof(*r.expected));
        r.turned = calloc(of->instrs.len, sizeof(*r.turned));
        assert_true(r.code != NULL && r.hits != NULL && r.expected != NULL &&
                    r.turned != NULL);
        memcpy(r.code, view->code, view->code_len);
        for (int i = 0; i < ROUNDS; i++) {
            check_calls(&r);
        }
        free(r.turned);
        free(r.code);
        free(r.hits);
        free(r.expected);
    }
    xt_segments_fini(&segments);
}

static void
what_is_remembered_is_what_was_run(void **state)
{
    (void)state;
    assert_true(analysis_each(check_history) > 1200);
    assert_true(codes > 1000);
    assert_true(turns > 1000);
    assert_true(stops > 1000);
    assert_true(handled > 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_what_was_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
