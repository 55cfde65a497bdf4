// SPDX-License-Identifier: Apache-2.0
#include "runlog.h"

#include "mem.h"

enum {
    RUNS_LEAST = 1 << 12, /* 128 KB: memory that costs nothing before it is
                             used, and is not copied when there are more */
    RUNS_MOST = 1 << 14,
    BYTES_MOST = 1 << 20,
};

void
runlog_fini(run_log *log)
{
    for (size_t i = 0; i < log->len; i++) {
        Py_DECREF(log->items[i].table);
    }
    xt_free(log->items);
    *log = (run_log){0};
}

bool
runlog_is_full(const run_log *log)
{
    return log->len >= RUNS_MOST || log->bytes >= BYTES_MOST;
}

xt_straight
runlog_way(const straight_run *run)
{
    xt_straight way = xt_straight_begin(PyBytes_AS_STRING(run->table),
                                        (size_t)PyBytes_GET_SIZE(run->table),
                                        run->first_line, run->start);
    way.from = run->from;
    way.to = run->to;
    return way;
}

bool
runlog_reserve(run_log *log)
{
    size_t need = log->len < RUNS_LEAST ? RUNS_LEAST : log->len + 1;
    straight_run *items = xt_grow(log->items, &log->cap, need, sizeof(*items));
    if (items != NULL) {
        log->items = items;
    }
    return items != NULL;
}

void
runlog_add(run_log *log, const straight_run *run)
{
    log->items[log->len++] = *run;
    Py_INCREF(run->table);
    log->bytes += (size_t)PyBytes_GET_SIZE(run->table);
}

int32_t
runlog_line(run_log *log, size_t at)
{
    if (!log->reads || log->at != at) {
        log->way = runlog_way(&log->items[at]);
        log->at = at;
        log->reads = true;
        runlog_pass(log);
    }
    return log->way.line;
}

void
runlog_pass(run_log *log)
{
    if (!xt_straight_next(&log->way)) {
        log->way.line = -1;
    }
}
