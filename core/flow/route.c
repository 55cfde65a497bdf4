// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include "mem.h"

void
xt_route_steps_fini(xt_route_steps *steps)
{
    xt_free(steps->items);
    *steps = (xt_route_steps){0};
}

/* --- Walking --------------------------------------------------------------
 */

/* The way from a segment on with another. */
static void
go_on(xt_route *route, uint32_t origin, uint32_t first, bool raised)
{
    route->origin = origin;
    route->first = first;
    route->raised = raised;
    for (uint32_t at = first; at != XT_NONE;
         at = xt_segments_follow(route->segments, at)) {
        route->last = at;
    }
}

xt_route
xt_route_begin(const xt_segments *segments)
{
    xt_route route = {
        .segments = segments->items,
        .len = (uint32_t)segments->len,
        .resume = segments->resume,
    };
    xt_route_begin_again(&route);
    return route;
}

void
xt_route_begin_again(xt_route *route)
{
    go_on(route, route->resume, route->resume + 1, false);
}

bool
xt_route_events(const xt_route *route, xt_route_steps *steps)
{
    xt_route_step *items =
        xt_renew(steps->items, &steps->cap, route->len, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    steps->items = items;
    steps->len = 0;
    uint32_t from = route->origin;
    bool by_step = !route->raised;
    for (uint32_t at = route->first; at != XT_NONE;
         at = xt_segments_follow(route->segments, at)) {
        const xt_segment *segment = &route->segments[at];
        if (xt_segments_fire(route->segments, from, at, by_step)) {
            items[steps->len++] =
                (xt_route_step){segment->unit, segment->line};
        }
        by_step = true;
        from = at;
    }
    return true;
}

void
xt_route_add(const xt_route *route, int64_t *hits)
{
    xt_segments_add_way(route->segments, route->origin, route->first,
                        !route->raised, 1, hits);
}

/* --- Forks ----------------------------------------------------------------
 */

static bool
forks(const xt_segment *segment)
{
    return segment->end == XT_KIND_BRANCH || segment->end == XT_KIND_FOR_ITER;
}

bool
xt_route_forks(const xt_route *route)
{
    return forks(&route->segments[route->last]);
}

/* Whether an instruction at a code unit is in a segment. */
static bool
is_in(const xt_route *route, uint32_t unit, uint32_t at)
{
    const xt_segment *segments = route->segments;
    return unit >= segments[at].unit &&
           (at + 1 == route->len || unit < segments[at + 1].unit);
}

bool
xt_route_turn(xt_route *route, uint32_t from, uint32_t to)
{
    uint32_t at = route->last;
    const xt_segment *branch = &route->segments[at];
    if (!forks(branch)) {
        return false;
    }
    uint32_t fall = branch[1].unit;
    uint32_t target = route->segments[branch->target].unit;
    bool loops = branch->end == XT_KIND_FOR_ITER;
    /* From 3.14 on, the event of NOT_TAKEN leads behind it. If a tool has
       events of instructions, too, it comes from there, as does that of
       POP_ITER. */
    bool is_its = is_in(route, from, at) || from == fall ||
                  (loops && from > target && from <= target + 2);
    bool taken = to == target || (loops && to > target && to <= target + 2);
    if (!is_its || (!taken && to != fall && to != fall + 1)) {
        return false;
    }
    go_on(route, at, taken ? branch->target : at + 1, false);
    return true;
}

bool
xt_route_handle(xt_route *route, uint32_t stands, uint32_t handler)
{
    uint32_t from = xt_segments_find(route->segments, route->len, stands);
    uint32_t to = xt_segments_find(route->segments, route->len, handler);
    if (route->segments[to].unit != handler || to <= route->resume) {
        return false;
    }
    go_on(route, from, to, true);
    return true;
}

size_t
xt_route_done(const xt_route *route, uint32_t stands)
{
    uint32_t from = route->origin;
    bool by_step = !route->raised;
    bool found = by_step && is_in(route, stands, from);
    size_t done = 0;
    size_t steps = 0;
    for (uint32_t at = route->first; at != XT_NONE;
         at = xt_segments_follow(route->segments, at)) {
        steps += xt_segments_fire(route->segments, from, at, by_step);
        if (is_in(route, stands, at)) {
            found = true;
            done = steps;
        }
        by_step = true;
        from = at;
    }
    return found ? done : steps;
}

bool
xt_route_has_turned(const xt_route *route, bool *taken)
{
    const xt_segment *origin = &route->segments[route->origin];
    if (route->raised || !forks(origin) ||
        route->segments[route->last].end == XT_KIND_RERAISE) {
        return false;
    }
    *taken = route->first != route->origin + 1;
    return !*taken || origin->end == XT_KIND_BRANCH;
}
