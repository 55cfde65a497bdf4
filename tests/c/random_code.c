// SPDX-License-Identifier: Apache-2.0
#include "random_code.h"

#include "cmocka_all.h"

enum { MOST = 700, NO_TARGET = -1, ANY_TARGET = -2 };

typedef struct {
    uint8_t op;
    int target; /* an instruction, NO_TARGET or ANY_TARGET */
    int64_t line;
    uint32_t width;
    bool bound;     /* to the one before: nothing jumps here */
    uint32_t oparg; /* if there is no target */
} made_instr;

typedef struct {
    const xt_opcodes *ops;
    uint32_t seed;
    made_instr instrs[MOST];
    int len;
    int first; /* where jumps and handlers may lead */
    int wanted;
    int64_t line;
    unsigned lines;
} maker;

uint32_t
random_next(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 10) % below;
}

static uint32_t
choose(maker *m, uint32_t below)
{
    return random_next(&m->seed, below);
}

static uint8_t
find_op(const maker *m, xt_opcode_kind kind, xt_opcode_jump jump)
{
    for (unsigned op = 0; op < 256; op++) {
        if (m->ops->traits[op].kind == kind &&
            m->ops->traits[op].jump == jump) {
            return (uint8_t)op;
        }
    }
    fail_msg("no opcode of kind %d", (int)kind);
    return 0;
}

static bool
has_kind(const maker *m, xt_opcode_kind kind)
{
    for (unsigned op = 0; op < 256; op++) {
        if (m->ops->traits[op].kind == kind) {
            return true;
        }
    }
    return false;
}

/* Adds an instruction and returns its number. */
static int
add(maker *m, uint8_t op, int target)
{
    assert_true(m->len < MOST);
    m->instrs[m->len] = (made_instr){
        .op = op,
        .target = target,
        .line = m->line,
    };
    return m->len++;
}

static int
add_bound(maker *m, xt_opcode_kind kind, uint32_t oparg)
{
    int at = add(m, find_op(m, kind, XT_JUMP_NONE), NO_TARGET);
    m->instrs[at].bound = true;
    m->instrs[at].oparg = oparg;
    return at;
}

static void add_some(maker *m, int depth, int most);

static void
add_branch(maker *m)
{
    add(m, m->ops->pop_jump_if_false, ANY_TARGET);
    if (has_kind(m, XT_KIND_NOT_TAKEN)) {
        add_bound(m, XT_KIND_NOT_TAKEN, 0);
    }
}

static void
add_loop(maker *m, int depth)
{
    int64_t line = m->line;
    int loop = add(m, find_op(m, XT_KIND_FOR_ITER, XT_JUMP_AHEAD), 0);
    add_some(m, depth + 1, 12);
    add(m, find_op(m, XT_KIND_JUMP, XT_JUMP_BACK), loop);
    m->line = line;
    m->instrs[loop].target = add_bound(m, XT_KIND_END_FOR, 0);
    if (m->ops->minor == 13) {
        m->instrs[add(m, m->ops->pop_top, NO_TARGET)].bound = true;
    }
    else if (m->ops->minor > 13) {
        add_bound(m, XT_KIND_POP_ITER, 0);
    }
}

static void
add_await(maker *m)
{
    int send = add(m, find_op(m, XT_KIND_SEND, XT_JUMP_AHEAD), 0);
    m->instrs[add(m, m->ops->yield_value, NO_TARGET)].bound = true;
    add_bound(m, XT_KIND_RESUME, 3);
    add(m, m->ops->jump_backward_no_interrupt, send);
    m->instrs[send].target = add_bound(m, XT_KIND_END_SEND, 0);
}

/* Adds up to `most` pieces. */
static void
add_some(maker *m, int depth, int most)
{
    int pieces = (int)choose(m, (uint32_t)most);
    for (int i = 0; i < pieces && m->len < m->wanted; i++) {
        if (choose(m, 3) == 0) {
            uint32_t step = choose(m, m->lines + 1);
            m->line = step == m->lines ? -1 : (int64_t)step;
        }
        switch (choose(m, 16)) {
        case 0:
        case 1:
        case 2:
            add_branch(m);
            break;
        case 3:
            add(m, find_op(m, XT_KIND_JUMP, XT_JUMP_AHEAD), ANY_TARGET);
            break;
        case 4:
            add(m, find_op(m, XT_KIND_JUMP, XT_JUMP_BACK), ANY_TARGET);
            break;
        case 5:
        case 6:
            if (depth < 4) {
                add_loop(m, depth);
            }
            break;
        case 7:
            add_await(m);
            break;
        case 8:
            add(m, m->ops->yield_value, NO_TARGET);
            add_bound(m, XT_KIND_RESUME, 1);
            break;
        case 9:
            add(m,
                find_op(m, choose(m, 2) == 0 ? XT_KIND_RAISE : XT_KIND_RERAISE,
                        XT_JUMP_NONE),
                NO_TARGET);
            break;
        case 10:
            add(m, find_op(m, XT_KIND_RETURN, XT_JUMP_NONE), NO_TARGET);
            break;
        case 11:
            add(m, find_op(m, XT_KIND_CALL, XT_JUMP_NONE), NO_TARGET);
            break;
        default:
            add(m, choose(m, 2) == 0 ? m->ops->nop : m->ops->pop_top,
                NO_TARGET);
            break;
        }
    }
}

/* Gives every jump its target; none into what belongs together, and none
   before the first RESUME. */
static void
aim(maker *m)
{
    for (int i = 0; i < m->len; i++) {
        made_instr *instr = &m->instrs[i];
        if (instr->target != ANY_TARGET) {
            continue;
        }
        bool back = m->ops->traits[instr->op].jump == XT_JUMP_BACK;
        int low = back ? m->first : i + 1;
        int high = back ? i : m->len - 1;
        int target = low + (int)choose(m, (uint32_t)(high - low + 1));
        while (m->instrs[target].bound) {
            target++; /* the last instruction is not bound */
        }
        if (back && target > i) {
            target = i; /* a jump onto itself */
        }
        instr->target = target;
    }
}

static uint32_t
oparg_at(const maker *m, const uint32_t *start, int at)
{
    const made_instr *instr = &m->instrs[at];
    if (instr->target < 0) {
        return instr->oparg;
    }
    uint32_t end = start[at + 1];
    uint32_t target = start[instr->target];
    return target < end ? end - target : target - end;
}

/* Finds where each instruction starts; start[len] is the end. */
static void
lay_out(maker *m, uint32_t *start)
{
    bool again = true;
    while (again) {
        again = false;
        start[0] = 0;
        for (int i = 0; i < m->len; i++) {
            start[i + 1] = start[i] + m->instrs[i].width;
        }
        for (int i = 0; i < m->len; i++) {
            made_instr *instr = &m->instrs[i];
            uint32_t need =
                xt_instr_units(m->ops, instr->op, oparg_at(m, start, i));
            if (need > instr->width) {
                instr->width = need;
                again = true;
            }
        }
    }
}

/* Ranges side by side or apart, each with a handler anywhere. */
static void
add_handlers(maker *m, const uint32_t *start, xt_buf *out)
{
    uint32_t at = choose(m, 5);
    while (at < (uint32_t)m->len && choose(m, 12) != 0) {
        uint32_t left = (uint32_t)m->len - at;
        uint32_t end = at + 1 + choose(m, left < 20 ? left : 20);
        int target = m->first + (int)choose(m, (uint32_t)(m->len - m->first));
        while (m->instrs[target].bound) {
            target++;
        }
        const xt_exctable_range range = {start[at], start[end], start[target],
                                         choose(m, 9)};
        assert_int_equal(XT_OK, xt_exctable_write(out, &range));
        at = end + choose(m, 3);
    }
}

static void
make_instrs(maker *m)
{
    bool far = choose(m, 8) == 0;
    m->wanted = far ? MOST - 100 : 10 + (int)choose(m, 60);
    m->lines = 1 + choose(m, 12);
    if (choose(m, 4) == 0) {
        /* A generator's. */
        add(m, find_op(m, XT_KIND_SUSPEND, XT_JUMP_NONE), NO_TARGET);
        add(m, m->ops->pop_top, NO_TARGET);
    }
    add_bound(m, XT_KIND_RESUME, 0);
    m->first = m->len;
    while (m->len < m->wanted / 2 || choose(m, 3) != 0) {
        add_some(m, 0, 20);
        if (m->len >= m->wanted) {
            break;
        }
    }
    m->line = 1;
    add(m, find_op(m, XT_KIND_RETURN, XT_JUMP_NONE), NO_TARGET);
}

random_code
random_code_make(int minor, uint32_t seed)
{
    static const uint32_t spread = 2654435761U;
    maker m = {.ops = xt_opcodes_for(minor), .seed = seed * spread + 1};
    uint32_t start[MOST + 1];
    random_code made = {.locations = {.line = 1}};
    make_instrs(&m);
    aim(&m);
    lay_out(&m, start);
    size_t bytes = 2 * (size_t)start[m.len];
    assert_int_equal(XT_OK, xt_buf_reserve(&made.code, bytes));
    for (int i = 0; i < m.len; i++) {
        const made_instr *instr = &m.instrs[i];
        xt_instr_write(&made.code, m.ops, instr->op, oparg_at(&m, start, i),
                       instr->width);
        const xt_location place = {.has_line = instr->line >= 0,
                                   .line = instr->line,
                                   .end_line = instr->line,
                                   .column = i % 100,
                                   .end_column = i % 100 + 1};
        assert_int_equal(
            XT_OK, xt_location_write(&made.locations, &place, instr->width));
    }
    add_handlers(&m, start, &made.exceptions);
    made.view = (xt_code_view){
        .ops = m.ops,
        .code = (const unsigned char *)made.code.bytes,
        .code_len = made.code.len,
        .locations = (const unsigned char *)made.locations.table.bytes,
        .locations_len = made.locations.table.len,
        .exceptions = (const unsigned char *)made.exceptions.bytes,
        .exceptions_len = made.exceptions.len,
        .first_line = 1,
    };
    return made;
}

void
random_code_free(random_code *of)
{
    xt_buf_fini(&of->code);
    xt_buf_fini(&of->locations.table);
    xt_buf_fini(&of->exceptions);
}
