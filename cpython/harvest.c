// SPDX-License-Identifier: Apache-2.0
#include "harvest.h"

#include "live.h"
#include "mem.h"
#include "outcomes.h"
#include "sides.h"
#include "solve.h"

/* --- Tallies ------------------------------------------------------------- */

/* All that is counted of one code object in a row: the classes of edges, line
   events at the start of handlers, entries of handlers. Behind these is what
   they follow from, besides themselves: the slots, and where control left. */
static size_t
tally_len(const ProbedCodeObject *probed)
{
    return probed->plan.classes_len + 3 * (size_t)probed->points_len +
           probed->plan.slots;
}

static int64_t *
slots_of(const ProbedCodeObject *probed, int64_t *tally)
{
    return tally + probed->plan.classes_len + 2 * (size_t)probed->points_len;
}

/* Fills a tally with what was counted so far; `balance` is scratch. */
static void
take_tally(const ProbedCodeObject *probed, int64_t *tally, int64_t *balance)
{
    const probed_breaks *breaks = &probed->breaks;
    size_t points = probed->points_len;
    size_t size = points * sizeof(*tally);
    const xt_breaks flow = {breaks->left, breaks->handled};
    (void)xt_solve(&probed->plan, probed->points_len, probed->slots, &flow,
                   balance, tally);
    int64_t *fired = tally + probed->plan.classes_len;
    int64_t *slots = slots_of(probed, tally);
    int64_t *left = slots + probed->plan.slots;
    memcpy(slots, probed->slots, probed->plan.slots * sizeof(*slots));
    if (breaks->left == NULL) {
        memset(fired, 0, 2 * size);
        memset(left, 0, size);
        return;
    }
    memcpy(fired, breaks->fired, size);
    memcpy(fired + points, breaks->handled, size);
    memcpy(left, breaks->left, size);
}

/* Whether nothing was counted since this tally was taken. Most code does not
   run between two harvests; to solve it again is many times the work. */
static bool
is_unchanged(const ProbedCodeObject *probed, int64_t *tally)
{
    const int64_t *fired = tally + probed->plan.classes_len;
    const int64_t *slots = slots_of(probed, tally);
    const probed_breaks *breaks = &probed->breaks;
    size_t points = probed->points_len;
    size_t size = points * sizeof(*tally);
    return memcmp(slots, probed->slots, probed->plan.slots * sizeof(*slots)) ==
               0 &&
           (breaks->left == NULL ||
            (memcmp(fired, breaks->fired, size) == 0 &&
             memcmp(fired + points, breaks->handled, size) == 0 &&
             memcmp(slots + probed->plan.slots, breaks->left, size) == 0));
}

static int64_t *
new_tally(const ProbedCodeObject *probed)
{
    return xt_malloc((tally_len(probed) + probed->plan.nodes) *
                     sizeof(int64_t));
}

bool
harvest_wants(const TracerObject *tracer, const code_entry *entry)
{
    /* It has judged every file in which code ran. */
    return entry->file != NULL && session_wants(tracer, entry->file);
}

/* One code object's tally, and what the tracer had before. */
typedef struct {
    const code_entry *entry;
    ProbedCodeObject *probed; /* owned, so that the entry stays */
    int64_t *now;             /* owned */
    int64_t *before;          /* borrowed, or NULL */
} taken_tally;

typedef struct {
    taken_tally *items; /* owned */
    size_t len;
    size_t cap;
} tally_list;

static void
tallies_end(tally_list *tallies)
{
    for (size_t i = 0; i < tallies->len; i++) {
        xt_free(tallies->items[i].now);
        Py_DECREF(tallies->items[i].probed);
    }
    xt_free(tallies->items);
}

/* Takes all tallies that have changed, at one moment: nothing of the program
   runs meanwhile.
   -1 (without an exception) if out of memory. */
static int
take_all(EngineObject *engine, const TracerObject *tracer, bool wanted_only,
         tally_list *tallies)
{
    *tallies = (tally_list){0};
    live_list live;
    if (live_begin(engine, &live) < 0) {
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < engine->registry.len && result == 0; i++) {
        const code_entry *entry = engine->registry.items[i];
        if (entry->probed == NULL ||
            (wanted_only && !harvest_wants(tracer, entry))) {
            continue;
        }
        int64_t *before = xt_ptrmap_get(&tracer->seen, entry);
        if (before != NULL && is_unchanged(entry->probed, before)) {
            continue;
        }
        taken_tally *items = xt_grow(tallies->items, &tallies->cap,
                                     tallies->len + 1, sizeof(*items));
        int64_t *now = items == NULL ? NULL : new_tally(entry->probed);
        if (items != NULL) {
            tallies->items = items;
        }
        if (now == NULL) {
            result = -1;
            break;
        }
        take_tally(entry->probed, now, now + tally_len(entry->probed));
        items[tallies->len++] = (taken_tally){
            .entry = entry,
            .probed = (ProbedCodeObject *)Py_NewRef(entry->probed),
            .now = now,
            .before = before,
        };
    }
    live_end(&live);
    if (result < 0) {
        tallies_end(tallies);
    }
    return result;
}

/* The line of a place in the tally, or -1. */
static int32_t
line_at(const ProbedCodeObject *probed, size_t index)
{
    size_t classes = probed->plan.classes_len;
    if (index < classes) {
        return probed->plan.classes[index].line;
    }
    return index - classes < probed->points_len
               ? probed->points[index - classes].line
               : -1;
}

/* Adds the difference of one tally to the files. */
static int
add_lines(TracerObject *tracer, const taken_tally *tally)
{
    const code_entry *entry = tally->entry;
    traced_file *file =
        files_get(&tracer->files, entry->original->co_filename);
    if (file == NULL) {
        return -1;
    }
    size_t len = entry->probed->plan.classes_len + entry->probed->points_len;
    for (size_t i = 0; i < len; i++) {
        int32_t line = line_at(entry->probed, i);
        int64_t count =
            tally->now[i] - (tally->before == NULL ? 0 : tally->before[i]);
        if (line >= 0 && count > 0 &&
            files_add(&tracer->files, file, line, (uint64_t)count) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
add_tally(TracerObject *tracer, const taken_tally *tally)
{
    int result = add_lines(tracer, tally);
    if (result == 0 && (tracer->mode & TRACER_BRANCHES) != 0) {
        result = outcomes_add(tracer, tally->entry, tally->now, tally->before);
    }
    return result;
}

/* Remembers a tally as harvested: takes it over. */
static int
remember(TracerObject *tracer, taken_tally *tally)
{
    if (xt_ptrmap_set(&tracer->seen, tally->entry, tally->now) != XT_OK) {
        return -1;
    }
    xt_free(tally->before);
    tally->now = NULL;
    return 0;
}

int
harvest(EngineObject *engine, TracerObject *tracer, bool again)
{
    tally_list tallies;
    if (bodies_settle(engine) < 0) {
        return -1;
    }
    if (take_all(engine, tracer, true, &tallies) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    int result = 0;
    for (size_t i = 0; i < tallies.len && result == 0; i++) {
        taken_tally *tally = &tallies.items[i];
        result = add_tally(tracer, tally);
        if (result == 0 && again && remember(tracer, tally) < 0) {
            PyErr_NoMemory();
            result = -1;
        }
    }
    tallies_end(&tallies);
    return result == 0 ? sides_harvest(tracer) : result;
}

static int
settle(TracerObject *tracer, const code_entry *entry)
{
    int64_t *now = new_tally(entry->probed);
    if (now == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    take_tally(entry->probed, now, now + tally_len(entry->probed));
    const taken_tally tally = {
        .entry = entry,
        .now = now,
        .before = xt_ptrmap_get(&tracer->seen, entry),
    };
    int result = add_tally(tracer, &tally);
    if (result == 0) {
        xt_ptrmap_remove(&tracer->seen, entry);
        xt_free(tally.before);
    }
    xt_free(now);
    return result;
}

int
harvest_settle(EngineObject *engine, const code_entry *entry)
{
    int result = 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        TracerObject *tracer = engine->sessions[i];
        if (entry->probed != NULL && harvest_wants(tracer, entry)) {
            result = settle(tracer, entry);
        }
        if (result == 0) {
            result = sides_settle(tracer, entry);
        }
    }
    return result;
}

int
harvest_skip(EngineObject *engine, TracerObject *tracer)
{
    tally_list tallies;
    if (bodies_settle(engine) < 0) {
        return -1;
    }
    int result = take_all(engine, tracer, false, &tallies);
    for (size_t i = 0; result == 0 && i < tallies.len; i++) {
        result = remember(tracer, &tallies.items[i]);
    }
    if (result < 0) {
        PyErr_NoMemory();
    }
    else {
        tallies_end(&tallies);
    }
    return result;
}

void
harvest_forget(TracerObject *tracer)
{
    sides_forget(tracer);
    xt_ptrmap *seen = &tracer->seen;
    for (size_t i = 0; seen->entries != NULL && i <= seen->mask; i++) {
        if (seen->entries[i].key != NULL) {
            xt_free(seen->entries[i].value);
        }
    }
    xt_ptrmap_fini(seen);
}
