// SPDX-License-Identifier: Apache-2.0
#include "firstcount.h"

#include "engine.h"

/* Makes room for so many lines, and for a run of straight code, wherever the
   run is counted: so that all do it or none. */
static traced_file **
reserve(EngineObject *engine, const first_run *run, size_t lines)
{
    traced_file **files = engine_files(engine, run->file, run->name);
    for (size_t i = 0; files != NULL && i < engine->sessions_len; i++) {
        file_table *table = &engine->sessions[i]->files;
        if (files[i] != NULL && (files_reserve(table, lines) < 0 ||
                                 files_reserve_run(table) < 0)) {
            return NULL;
        }
    }
    return files;
}

/* Counts an event for the sessions that want it. */
static int
count_step(EngineObject *engine, traced_file **files, int32_t line)
{
    int result = 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        if (files[i] != NULL) {
            result =
                files_hit_once(&engine->sessions[i]->files, files[i], line);
        }
    }
    return result;
}

/* Counts what it has had of straight code. */
static int
count_straight(EngineObject *engine, first_run *run)
{
    straight_run *there = &run->there;
    if (there->from >= there->to) {
        return 0;
    }
    traced_file **files = reserve(engine, run, 0);
    int result = files == NULL ? -1 : 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        if (files[i] != NULL) {
            result =
                files_add_run(&engine->sessions[i]->files, files[i], there);
        }
    }
    if (result == 0) {
        there->from = there->to;
    }
    return result;
}

int
firstcount_ways(EngineObject *engine, first_run *run)
{
    if (!run->is_hit) {
        return 0;
    }
    const uint32_t len = run->route->len;
    traced_file **files = reserve(engine, run, len);
    int result = files == NULL ? -1 : 0;
    for (size_t i = 0; i < engine->sessions_len && result == 0; i++) {
        result =
            files[i] == NULL
                ? 0
                : files_add_segments(&engine->sessions[i]->files, files[i],
                                     run->route->segments, len, run->hits);
    }
    if (result == 0) {
        memset(run->hits, 0, len * sizeof(*run->hits));
        run->is_hit = false;
    }
    return result;
}

int
firstcount_run(EngineObject *engine, first_run *run)
{
    if (firstcount_ways(engine, run) < 0) {
        return -1;
    }
    if (run->there.table != NULL) {
        return count_straight(engine, run);
    }
    if (run->done >= run->until) {
        return 0;
    }
    const xt_route_steps *steps = firstrun_events(run, &engine->firsts.steps);
    if (steps == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (run->done >= steps->len) {
        return 0;
    }
    traced_file **files = reserve(engine, run, steps->len);
    if (files == NULL) {
        return -1;
    }
    while (run->done < steps->len && run->done < run->until) {
        if (count_step(engine, files, steps->items[run->done].line) < 0) {
            return -1;
        }
        run->done++;
        keptrun_leave(&run->kept, steps->len - run->done);
    }
    return 0;
}
