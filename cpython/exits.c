// SPDX-License-Identifier: Apache-2.0
#include "exits.h"

#include "lines.h"
#include "mem.h"
#include "unrun.h"

/* How many are kept of a code object: most take a few again and again. */
enum { KEPT = 8 };

/* What one counts: that follows from the places alone. */
typedef struct code_exit {
    bool known; /* one is kept here */
    bool unrun; /* it may have arisen in front of a probe */
    Py_ssize_t stands;
    Py_ssize_t handler;
    uint32_t left; /* points, or XT_NONE (probed_breaks) */
    uint32_t handled;
    uint32_t fired;
} code_exit;

/* Whether the step from `point` onto the handler is a line event. */
static bool
fires(const ProbedCodeObject *probed, uint32_t handler, uint32_t point,
      Py_ssize_t stands)
{
    const probed_point *to = &probed->points[handler];
    const probed_point *from = &probed->points[point];
    /* An inline cache has no line, as far as 3.12 is concerned. */
    bool in_cache = probed_place(probed, stands) > from->opcode;
    return xt_lines_fire(to->starts_line, to->sure_line, to->line, from->line,
                         in_cache || from->kind == XT_KIND_RESUME);
}

/* Whether RERAISE has led here, which is a step like others. It sets the
   frame's position back to where the exception first arose, whose handler is
   another one. */
static bool
is_reraised(const ProbedCodeObject *probed, uint32_t point, uint32_t to)
{
    bool can = to == XT_NONE ? probed->reraises_out
                             : probed->points[to].gets_reraised;
    const probed_point *from = &probed->points[point];
    return can && (from->handler != to || from->kind == XT_KIND_RERAISE);
}

static code_exit
find_out(const ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t stands,
         Py_ssize_t handler, bool thrown)
{
    uint32_t point = probed_point_at(probed, stands);
    uint32_t to = probed_point_at(probed, handler);
    bool unrun = unrun_may_find(probed, code, stands);
    code_exit exit = {true, unrun, stands, handler, XT_NONE, to, XT_NONE};
    if (to != XT_NONE && fires(probed, to, point, stands)) {
        exit.fired = to;
    }
    if (!thrown && is_reraised(probed, point, to)) {
        /* In and out at one place is no step; but whoever has noted the frame
           sees that something went on. */
        exit.left = 0;
        exit.handled = 0;
        exit.unrun = unrun && probed->points[point].handler == to;
    }
    else if (!thrown && probed->points[point].kind != XT_KIND_SUSPEND) {
        /* What is thrown into a suspended generator interrupts nothing. */
        exit.left = point;
    }
    return exit;
}

static void
count(ProbedCodeObject *probed, PyCodeObject *code, const code_exit *exit)
{
    if (exit->fired != XT_NONE) {
        probed->breaks.fired[exit->fired]++;
    }
    if (exit->left != XT_NONE) {
        probed->breaks.left[exit->left]++;
    }
    if (exit->handled != XT_NONE) {
        probed->breaks.handled[exit->handled]++;
    }
    CounterObject *unrun =
        exit->unrun ? unrun_find(probed, code, exit->stands) : NULL;
    if (unrun != NULL) {
        ++*unrun->slot;
    }
    probed_note_broken(probed);
}

/* Where such an exit is kept; NULL if none is, for want of memory. */
static code_exit *
place_for(ProbedCodeObject *probed, Py_ssize_t stands, Py_ssize_t handler)
{
    if (probed->exits == NULL) {
        code_exit *exits = xt_malloc(KEPT * sizeof(*exits));
        if (exits == NULL) {
            return NULL;
        }
        memset(exits, 0, KEPT * sizeof(*exits));
        probed->exits = exits;
    }
    return &probed->exits[(size_t)(stands ^ handler) % KEPT];
}

int
exits_note(ProbedCodeObject *probed, PyCodeObject *code, Py_ssize_t stands,
           Py_ssize_t handler, bool thrown)
{
    code_exit *kept = thrown ? NULL : place_for(probed, stands, handler);
    if (kept != NULL && kept->known && kept->stands == stands &&
        kept->handler == handler) {
        count(probed, code, kept);
        return 0;
    }
    if (probed_point_at(probed, stands) == XT_NONE) {
        return 0;
    }
    if (probed_need_breaks(probed) < 0) {
        return -1;
    }
    code_exit exit = find_out(probed, code, stands, handler, thrown);
    count(probed, code, &exit);
    if (kept != NULL) {
        *kept = exit;
    }
    return 0;
}
