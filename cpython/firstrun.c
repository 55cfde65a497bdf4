// SPDX-License-Identifier: Apache-2.0
#include "firstrun.h"

#include "mem.h"
#include "sweep.h"

/* To follow a frame, in the time that it takes to count one line event: */
enum {
    COST_EVENT = 8, /* an event of a branch, without what follows from it */
    COST_UNIT = 4,  /* to rewrite a code unit, and somewhat less */
    COST_LEAST = 64,
    TURNS_MANY = 12, /* branches of a frame whose loops go round */
    PART_AGAIN = 4,  /* most functions run on and on: after a fourth of that,
                        no other frame is followed */
};

void
firstrun_free(first_run *run)
{
    Py_XDECREF(run->file);
    Py_XDECREF(run->name);
    Py_XDECREF(run->there.table);
    xt_free(run->route);
    xt_route_steps_fini(&run->steps);
    xt_free(run);
}

void
firstrun_go_on(first_run *run)
{
    run->done = 0;
    run->until = SIZE_MAX;
    run->cost += COST_EVENT + (run->route->last > run->route->first
                                   ? run->route->last - run->route->first
                                   : 0);
}

/* Makes the run a copy of the route, and behind it of its segments and their
   hits, in one piece of memory. */
static bool
copy_route(first_run *run, const xt_route *route)
{
    size_t hits = route->len * sizeof(*run->hits);
    size_t size = route->len * sizeof(*route->segments);
    run->route = xt_malloc(sizeof(*run->route) + hits + size);
    if (run->route == NULL) {
        return false;
    }
    run->hits = memset(run->route + 1, 0, hits);
    *run->route = *route;
    run->route->segments =
        memcpy(run->hits + route->len, route->segments, size);
    return true;
}

bool
firstrun_note_way(first_run *run)
{
    if (run->done > 0 || run->until < SIZE_MAX) {
        return false;
    }
    xt_route_add(run->route, run->hits);
    run->is_hit = true;
    run->done = run->until;
    return true;
}

bool
firstrun_follow(first_run *run, const xt_segments *segments,
                const xt_route *route)
{
    run->ended = false;
    run->most = COST_LEAST + COST_UNIT * (size_t)segments->units;
    bool done = copy_route(run, route);
    if (done) {
        run->frames = 1;
        firstrun_go_on(run);
    }
    return done;
}

bool
firstrun_may_repeat(const first_run *run)
{
    return run->route != NULL && !sweep_is_body(run->code);
}

bool
firstrun_is_worth_another(const first_run *run)
{
    return run->cost <= run->most / PART_AGAIN;
}

bool
firstrun_goes_round(const first_run *run)
{
    return run->frames > 0 && run->turns >= TURNS_MANY * run->frames;
}

void
firstrun_begin_again(first_run *run, const frame_head *frame)
{
    run->frame = frame;
    run->frames++;
    xt_route_begin_again(run->route);
    firstrun_go_on(run);
}

bool
firstrun_read_table(first_run *run)
{
    xt_straight way = runlog_way(&run->there);
    way.to = XT_NONE;
    xt_route_steps *steps = &run->steps;
    steps->len = 0;
    while (xt_straight_next(&way)) {
        xt_route_step *items =
            xt_grow(steps->items, &steps->cap, steps->len + 1, sizeof(*items));
        if (items == NULL) {
            return false;
        }
        steps->items = items;
        items[steps->len++] = (xt_route_step){way.unit, way.line};
    }
    Py_CLEAR(run->there.table);
    return true;
}

const xt_route_steps *
firstrun_events(const first_run *run, xt_route_steps *scratch)
{
    if (run->route == NULL) {
        return &run->steps;
    }
    return xt_route_events(run->route, scratch) ? scratch : NULL;
}

first_run *
firstrun_new(const frame_head *frame, PyCodeObject *code, PyObject *file,
             uint32_t start)
{
    first_run *run = xt_malloc(sizeof(*run));
    if (run == NULL) {
        Py_DECREF(file);
        PyErr_NoMemory();
        return NULL;
    }
    *run = (first_run){
        .frame = frame,
        .code = code,
        .file = file,
        .name = Py_NewRef(code->co_filename),
        .ended = !sweep_is_body(code),
        .listens = !sweep_is_body(code),
        .there = {.first_line = code->co_firstlineno,
                  .start = start,
                  .from = start,
                  .to = XT_NONE,
                  .times = 1},
        .until = SIZE_MAX,
    };
    return run;
}

void
firstrun_note_place(first_run *run, Py_ssize_t unit)
{
    if (run->there.table != NULL) {
        run->there.to = (uint32_t)unit + 1;
        return;
    }
    size_t until = 0;
    if (run->route != NULL) {
        until = xt_route_done(run->route, (uint32_t)unit);
    }
    else {
        while (until < run->steps.len &&
               (Py_ssize_t)run->steps.items[until].unit <= unit) {
            until++;
        }
    }
    run->until = until > run->done ? until : run->done;
}
