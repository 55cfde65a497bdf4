// SPDX-License-Identifier: Apache-2.0
#include "harvest.h"

#include "live.h"
#include "mem.h"
#include "outcomes.h"
#include "sides.h"
#include "solve.h"

/* --- Tallies ------------------------------------------------------------- */

/* All that is counted of one code object, in a row: the classes of edges and
   the slots that they follow from; if there were exceptions, per instruction
   the line events at the start of handlers, entries of handlers, and where
   control left. */
typedef struct code_tally {
    bool has_breaks;
    int64_t counts[];
} code_tally;

static const int64_t *
slots_of(const ProbedCodeObject *probed, const code_tally *tally)
{
    return tally->counts + probed->plan.classes_len;
}

/* The exceptions of a tally, which may be NULL; NULL if it has none. */
static const int64_t *
fired_of(const ProbedCodeObject *probed, const code_tally *tally)
{
    return tally == NULL || !tally->has_breaks
               ? NULL
               : slots_of(probed, tally) + probed->plan.slots;
}

static const int64_t *
handled_of(const ProbedCodeObject *probed, const code_tally *tally)
{
    const int64_t *fired = fired_of(probed, tally);
    return fired == NULL ? NULL : fired + probed->points_len;
}

/* A new tally of what was counted so far, or NULL. `balance` is scratch. */
static code_tally *
take_tally(const ProbedCodeObject *probed, int64_t *balance)
{
    const probed_breaks *breaks = &probed->breaks;
    bool has_breaks = breaks->left != NULL;
    size_t points = probed->points_len;
    size_t len = probed->plan.classes_len + probed->plan.slots +
                 (has_breaks ? 3 * points : 0);
    code_tally *tally = xt_malloc(sizeof(*tally) + len * sizeof(int64_t));
    if (tally == NULL) {
        return NULL;
    }
    tally->has_breaks = has_breaks;
    const xt_breaks flow = {breaks->left, breaks->handled};
    (void)xt_solve(&probed->plan, probed->points_len, probed->slots, &flow,
                   balance, tally->counts);
    int64_t *slots = tally->counts + probed->plan.classes_len;
    memcpy(slots, probed->slots, probed->plan.slots * sizeof(*slots));
    if (has_breaks) {
        int64_t *fired = slots + probed->plan.slots;
        memcpy(fired, breaks->fired, points * sizeof(*fired));
        memcpy(fired + points, breaks->handled, points * sizeof(*fired));
        memcpy(fired + 2 * points, breaks->left, points * sizeof(*fired));
    }
    return tally;
}

/* Whether nothing was counted since this tally was taken. Most code does not
   run between two harvests; to solve it again is many times the work. */
static bool
is_unchanged(const ProbedCodeObject *probed, const code_tally *tally)
{
    const probed_breaks *breaks = &probed->breaks;
    size_t points = probed->points_len;
    size_t size = points * sizeof(int64_t);
    const int64_t *fired = fired_of(probed, tally);
    return memcmp(slots_of(probed, tally), probed->slots,
                  probed->plan.slots * sizeof(int64_t)) == 0 &&
           (breaks->left == NULL ||
            (fired != NULL && memcmp(fired, breaks->fired, size) == 0 &&
             memcmp(fired + points, breaks->handled, size) == 0 &&
             memcmp(fired + 2 * points, breaks->left, size) == 0));
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
    ProbedCodeObject *probed; /* borrowed */
    code_tally *now;          /* owned */
    code_tally *before;       /* borrowed, or NULL */
} taken_tally;

typedef struct {
    taken_tally *items; /* owned */
    size_t len;
    size_t cap;
    int64_t *balance; /* owned: scratch, one per node of a plan */
    size_t balance_cap;
} tally_list;

static void
tallies_free(tally_list *tallies)
{
    for (size_t i = 0; i < tallies->len; i++) {
        xt_free(tallies->items[i].now);
    }
    xt_free(tallies->items);
    xt_free(tallies->balance);
}

/* Takes the tally of an entry. -1 (without an exception) if out of memory. */
static int
take_one(tally_list *tallies, const code_entry *entry, code_tally *before)
{
    taken_tally *items = xt_grow(tallies->items, &tallies->cap,
                                 tallies->len + 1, sizeof(*items));
    if (items == NULL) {
        return -1;
    }
    tallies->items = items;
    int64_t *balance = xt_grow(tallies->balance, &tallies->balance_cap,
                               entry->probed->plan.nodes, sizeof(*balance));
    if (balance == NULL) {
        return -1;
    }
    tallies->balance = balance;
    code_tally *now = take_tally(entry->probed, balance);
    if (now == NULL) {
        return -1;
    }
    items[tallies->len++] = (taken_tally){
        .entry = entry,
        .probed = entry->probed,
        .now = now,
        .before = before,
    };
    return 0;
}

/* Ends what take_all() has begun. */
static void
tallies_end(tally_list *tallies)
{
    for (size_t i = 0; i < tallies->len; i++) {
        Py_DECREF(tallies->items[i].probed);
    }
    tallies_free(tallies);
}

/* Takes all tallies that have changed, at one moment: nothing of the program
   runs meanwhile. Holds their code, so that the entries stay. -1 (without an
   exception) if out of memory. */
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
        code_tally *before = xt_ptrmap_get(&tracer->seen, entry);
        if (before == NULL || !is_unchanged(entry->probed, before)) {
            result = take_one(tallies, entry, before);
            if (result == 0) {
                Py_INCREF(entry->probed);
            }
        }
    }
    live_end(&live);
    if (result < 0) {
        tallies_end(tallies);
    }
    return result;
}

static int
add_line(TracerObject *tracer, traced_file *file, int32_t line, int64_t count)
{
    return line < 0 || count <= 0
               ? 0
               : files_add(&tracer->files, file, line, (uint64_t)count);
}

/* Adds the difference of one tally to the files. */
static int
add_lines(TracerObject *tracer, const taken_tally *tally)
{
    ProbedCodeObject *probed = tally->probed;
    const xt_plan *plan = &probed->plan;
    traced_file *file =
        files_get(&tracer->files, tally->entry->original->co_filename);
    int result = file == NULL ? -1 : 0;
    const int64_t *now = tally->now->counts;
    const int64_t *before =
        tally->before == NULL ? NULL : tally->before->counts;
    for (size_t i = 0; i < plan->classes_len && result == 0; i++) {
        result = add_line(tracer, file, plan->classes[i].line,
                          now[i] - (before == NULL ? 0 : before[i]));
    }
    now = fired_of(probed, tally->now);
    before = fired_of(probed, tally->before);
    for (uint32_t i = 0; now != NULL && i < probed->points_len && result == 0;
         i++) {
        result = add_line(tracer, file, probed->points[i].line,
                          now[i] - (before == NULL ? 0 : before[i]));
    }
    return result;
}

static int
add_tally(TracerObject *tracer, const taken_tally *tally)
{
    int result = add_lines(tracer, tally);
    if (result == 0 && (tracer->mode & TRACER_BRANCHES) != 0) {
        const ProbedCodeObject *probed = tally->probed;
        const code_tally *before = tally->before;
        result = outcomes_add(
            tracer, tally->entry,
            (outcome_counts){tally->now->counts,
                             handled_of(probed, tally->now)},
            (outcome_counts){before == NULL ? NULL : before->counts,
                             handled_of(probed, before)});
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

/* Of an entry whose code may be about to be freed. */
static int
settle(TracerObject *tracer, const code_entry *entry)
{
    tally_list tallies = {0};
    int result =
        take_one(&tallies, entry, xt_ptrmap_get(&tracer->seen, entry));
    if (result < 0) {
        PyErr_NoMemory();
    }
    else {
        result = add_tally(tracer, tallies.items);
    }
    if (result == 0) {
        xt_ptrmap_remove(&tracer->seen, entry);
        xt_free(tallies.items[0].before);
    }
    tallies_free(&tallies);
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
    if (result == 0) {
        for (size_t i = 0; result == 0 && i < tallies.len; i++) {
            result = remember(tracer, &tallies.items[i]);
        }
        tallies_end(&tallies);
    }
    if (result < 0) {
        PyErr_NoMemory();
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
