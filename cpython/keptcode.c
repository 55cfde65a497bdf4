// SPDX-License-Identifier: Apache-2.0
#include "keptcode.h"

#include "engine.h"
#include "live.h"
#include "mem.h"
#include "outcomes.h"
#include "recall.h"
#include "sides.h"

/* --- One code object ----------------------------------------------------- */

/* The code's co_code, with what its jumps remembered when it was planned, if
   that is kept: a new bytes object. NULL with an exception. */
static PyObject *
recalling_bytecode(PyCodeObject *code, const uint16_t *recalls)
{
    PyObject *plain = PyCode_GetCode(code);
    xt_instrs instrs = {0};
    if (recalls == NULL || plain == NULL) {
        return plain;
    }
    PyObject *made = PyBytes_FromStringAndSize(PyBytes_AS_STRING(plain),
                                               PyBytes_GET_SIZE(plain));
    Py_DECREF(plain);
    if (made != NULL && outcomes_read(code, &instrs) == 0) {
        xt_recall_give(&instrs, recalls);
        xt_recall_write(&instrs, PyBytes_AS_STRING(made));
    }
    else {
        Py_CLEAR(made);
    }
    xt_instrs_fini(&instrs);
    return made;
}

static bool
add_code(xt_journal *journal, PyCodeObject *code, const uint16_t *recalls,
         uint32_t slots, uint32_t flags, const xt_journal_base *base,
         uint64_t *record, uint64_t **counters)
{
    PyObject *bytecode = recalling_bytecode(code, recalls);
    if (bytecode == NULL) {
        PyErr_Clear();
        return false;
    }
    const xt_code_view view = probed_view(code, PyBytes_AS_STRING(bytecode));
    const unsigned char *const bytes[3] = {view.code, view.locations,
                                           view.exceptions};
    xt_journal_code about = {
        .first_line = code->co_firstlineno,
        .flags = flags,
        .slots = slots,
        .code_len = (uint32_t)view.code_len,
        .locations_len = (uint32_t)view.locations_len,
        .exceptions_len = (uint32_t)view.exceptions_len,
    };
    bool added =
        kept_string(journal, code->co_filename, &about.file) &&
        kept_string(journal, code->co_qualname, &about.name) &&
        xt_journal_add_code(journal, &about, bytes, base, record, counters);
    Py_DECREF(bytecode);
    return added;
}

static void
link_probed(kept_file *journal, ProbedCodeObject *probed)
{
    probed->kept = journal;
    probed->kept_before = NULL;
    probed->kept_next = journal->probed;
    if (journal->probed != NULL) {
        journal->probed->kept_before = probed;
    }
    journal->probed = probed;
}

void
keptcode_forget(ProbedCodeObject *probed)
{
    if (probed->kept == NULL) {
        return;
    }
    if (probed->kept_next != NULL) {
        probed->kept_next->kept_before = probed->kept_before;
    }
    *(probed->kept_before == NULL ? &probed->kept->probed
                                  : &probed->kept_before->kept_next) =
        probed->kept_next;
    probed->kept = NULL;
}

/* Moves the slots into the file; `base` has what they count already. */
static bool
move_in(kept_file *journal, ProbedCodeObject *probed,
        const xt_journal_base *base)
{
    uint64_t *slots;
    if (probed->kept != NULL ||
        !add_code(&journal->journal, probed->original, probed->recalls,
                  probed->plan.slots,
                  probed->unrolled << XT_JOURNAL_UNROLLED_SHIFT, base,
                  &probed->record, &slots)) {
        return false;
    }
    uint64_t *before = probed->slots;
    probed_move_slots(probed, slots);
    xt_free(before);
    link_probed(journal, probed);
    return true;
}

void
keptcode_add(kept_file *journal, ProbedCodeObject *probed)
{
    (void)move_in(journal, probed, NULL);
}

void
keptcode_want(kept_file *journal, const ProbedCodeObject *probed)
{
    if (probed != NULL && probed->kept == journal &&
        !journal->journal.detached) {
        xt_journal_want(&journal->journal, probed->record);
    }
}

uint64_t *
keptcode_breaks(ProbedCodeObject *probed)
{
    uint64_t *counters;
    return probed->kept != NULL && xt_journal_add_breaks(
                                       &probed->kept->journal, probed->record,
                                       probed->points_len, &counters)
               ? counters
               : NULL;
}

uint64_t *
keptcode_sides(kept_file *journal, PyCodeObject *code, uint32_t points)
{
    uint64_t record;
    uint64_t *none;
    uint64_t *counters;
    return points > 0 &&
                   add_code(&journal->journal, code, NULL, 0,
                            XT_JOURNAL_WANTED, NULL, &record, &none) &&
                   xt_journal_add_sides(&journal->journal, record, points,
                                        &counters)
               ? counters
               : NULL;
}

/* --- Frames -------------------------------------------------------------- */

/* The sum of what was counted of exceptions, where it is kept. */
static uint32_t
breaks_of(const ProbedCodeObject *probed)
{
    uint64_t sum = 0;
    size_t len = probed->breaks_kept ? 3 * (size_t)probed->points_len : 0;
    for (size_t i = 0; i < len; i++) {
        sum += probed->breaks.left[i];
    }
    return (uint32_t)sum;
}

void
keptcode_note_frames(EngineObject *engine)
{
    kept_file *journal = engine->registry.kept;
    PyThreadState *thread = PyThreadState_Get();
    if (PyThreadState_GetID(thread) != journal->thread) {
        return;
    }
    /* From the innermost outwards: filled from the end. */
    xt_journal_frame frames[XT_JOURNAL_DEPTH];
    size_t found = 0;
    const frame_head *frame = frame_top(thread);
    while (frame != NULL && (frame = frame->previous) != NULL) {
        PyCodeObject *code = frame_code(frame);
        const ProbedCodeObject *probed =
            code == NULL ? NULL : probed_get(&engine->types, code);
        uint32_t point =
            probed == NULL || probed->kept != journal
                ? XT_NONE
                : probed_point_at(probed, frame_offset(frame, code));
        if (point != XT_NONE) {
            found++;
            frames[XT_JOURNAL_DEPTH - 1 - (found - 1) % XT_JOURNAL_DEPTH] =
                (xt_journal_frame){probed->record, point, breaks_of(probed)};
        }
    }
    if (found <= XT_JOURNAL_DEPTH) {
        xt_journal_set_stack(&journal->journal,
                             frames + XT_JOURNAL_DEPTH - found, found);
        return;
    }
    /* The outermost ones were written last, over the innermost. */
    xt_journal_frame outer[XT_JOURNAL_DEPTH];
    for (size_t i = 0; i < XT_JOURNAL_DEPTH; i++) {
        size_t back = found - 1 - i; /* counted from the innermost */
        outer[i] = frames[XT_JOURNAL_DEPTH - 1 - back % XT_JOURNAL_DEPTH];
    }
    xt_journal_set_stack(&journal->journal, outer, XT_JOURNAL_DEPTH);
}

/* --- All ----------------------------------------------------------------- */

/* Adds code that may have been counted before. */
static void
add_late(TracerObject *tracer, const code_entry *entry)
{
    ProbedCodeObject *probed = entry->probed;
    if (probed == NULL) {
        return;
    }
    const xt_journal_base base = {
        .slots = probed->slots,
        .breaks = probed->breaks.left,
        .points = probed->points_len,
    };
    if (!move_in(tracer->kept, probed, &base)) {
        return;
    }
    probed->types->moves++;
    if (entry->file != NULL && session_wants(tracer, entry->file)) {
        keptcode_want(tracer->kept, probed);
    }
}

/* Moves the counters of exceptions into the file. */
static void
move_breaks(ProbedCodeObject *probed)
{
    uint64_t *before = probed->breaks.left;
    uint64_t *counters =
        before == NULL || probed->breaks_kept ? NULL : keptcode_breaks(probed);
    if (counters != NULL) {
        size_t len = probed->points_len;
        memcpy(counters, before, 3 * len * sizeof(*counters));
        probed->breaks =
            (probed_breaks){counters, counters + len, counters + 2 * len};
        probed->breaks_kept = true;
        xt_free(before);
    }
}

void
keptcode_begin(TracerObject *tracer)
{
    EngineObject *engine = tracer->engine;
    live_list live;
    if (tracer->kept == NULL || engine == NULL) {
        return;
    }
    fewcalls_renew(engine);
    if (fewcalls_settle(engine) < 0) {
        PyErr_Clear(); /* it is brought in later */
    }
    engine->registry.kept = tracer->kept;
    tracer->kept->thread = PyThreadState_GetID(PyThreadState_Get());
    /* What frames have done until now was counted elsewhere. */
    if (live_begin(engine, &live) < 0) {
        return;
    }
    for (size_t i = 0; i < engine->registry.len; i++) {
        add_late(tracer, engine->registry.items[i]);
    }
    live_end(&live);
    firstruns_enter_file(engine);
    for (ProbedCodeObject *probed = tracer->kept->probed; probed != NULL;
         probed = probed->kept_next) {
        move_breaks(probed);
    }
}

/* Moves the counters out of the file. */
static bool
move_out(ProbedCodeObject *probed)
{
    size_t len = probed->points_len;
    size_t slots_size = probed->plan.slots * sizeof(uint64_t);
    uint64_t *slots = xt_malloc(slots_size);
    uint64_t *breaks =
        probed->breaks_kept ? xt_malloc(3 * len * sizeof(*breaks)) : NULL;
    if (slots == NULL || (probed->breaks_kept && breaks == NULL)) {
        xt_free(slots);
        return false;
    }
    memcpy(slots, probed->slots, slots_size);
    probed_move_slots(probed, slots);
    probed->types->moves++;
    if (breaks != NULL) {
        memcpy(breaks, probed->breaks.left, 3 * len * sizeof(*breaks));
        probed->breaks =
            (probed_breaks){breaks, breaks + len, breaks + 2 * len};
        probed->breaks_kept = false;
    }
    keptcode_forget(probed);
    return true;
}

bool
keptcode_end(TracerObject *tracer, kept_file *journal)
{
    if (tracer->engine != NULL && tracer->engine->registry.kept == journal) {
        tracer->engine->registry.kept = NULL;
        firstruns_leave_file(tracer->engine);
        sides_leave_file(tracer);
    }
    while (journal->probed != NULL) {
        if (!move_out(journal->probed)) {
            return false;
        }
    }
    return true;
}
