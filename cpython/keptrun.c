// SPDX-License-Identifier: Apache-2.0
#include "keptrun.h"

#include <stdatomic.h>

#include "kept.h"
#include "mem.h"

static void
set_lines(int32_t *lines, const xt_route_step *steps, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        lines[i] = steps[i].line;
    }
}

/* A record with these events. */
static kept_run
add_record(kept_file *journal, PyObject *file, const xt_route_step *steps,
           size_t len)
{
    kept_run run = {.room = len};
    int32_t *lines = xt_malloc(len * sizeof(*lines));
    uint32_t name;
    if (lines != NULL) {
        set_lines(lines, steps, len);
        if (!kept_string(&journal->journal, file, &name) ||
            !xt_journal_add_body(&journal->journal, name, lines, len,
                                 &run.body)) {
            run.body = NULL;
        }
        xt_free(lines);
    }
    return run;
}

void
keptrun_put(kept_run *run, kept_file *journal, PyObject *file,
            const xt_route_step *steps, size_t len, bool ended)
{
    keptrun_leave(run, 0);
    if (run->body == NULL || run->room < len) {
        *run = add_record(journal, file, steps, len);
    }
    else {
        set_lines(xt_journal_body_lines(run->body) + (run->room - len), steps,
                  len);
        /* The process may be killed at any time. */
        atomic_signal_fence(memory_order_seq_cst);
        keptrun_leave(run, len);
    }
    if (run->body != NULL) {
        run->body->ended = ended;
    }
}
