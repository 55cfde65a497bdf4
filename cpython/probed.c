// SPDX-License-Identifier: Apache-2.0
#include "probed.h"

#include "compat.h"
#include "frame.h"
#include "keptcode.h"
#include "mem.h"
#include "newcode.h"
#include "recall.h"
#include "running.h"

/* --- The code's own object --------------------------------------------- */

static void
forget_points(ProbedCodeObject *self)
{
    xt_free(self->points);
    xt_free(self->old_unit);
    xt_free(self->point_at);
    self->points = NULL;
    self->old_unit = NULL;
    self->point_at = NULL;
}

static void
unlink_broken(ProbedCodeObject *self)
{
    if (self->broken_time == 0) {
        return;
    }
    *(self->broken_before == NULL ? &self->types->broken
                                  : &self->broken_before->broken_next) =
        self->broken_next;
    if (self->broken_next != NULL) {
        self->broken_next->broken_before = self->broken_before;
    }
}

static void
probed_dealloc(ProbedCodeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    if (self->types->scratch.analysed == self) {
        self->types->scratch.analysed = NULL;
    }
    if (self->let_go != NULL) {
        self->let_go(self->owner, self);
    }
    unlink_broken(self);
    Py_XDECREF(self->original);
    for (uint32_t i = 0; i < self->counters_len; i++) {
        counter_give(&self->types->pool, self->counters[i]);
    }
    xt_free(self->counters);
    xt_free(self->recalls);
    xt_plan_fini(&self->plan);
    if (self->kept == NULL) {
        xt_free(self->slots);
    }
    forget_points(self);
    xt_free(self->exits);
    xt_unitmap_fini(&self->map);
    if (!self->breaks_kept) {
        xt_free(self->breaks.left);
    }
    keptcode_forget(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* Whoever pickles or copies the code by value does so with its original. */
static PyType_Slot probed_slots[] = {
    {Py_tp_doc, "What a rewritten code object was, and its counters."},
    {Py_tp_dealloc, probed_dealloc},
    {0, NULL},
};

static PyType_Spec probed_spec = {
    .name = "exactrace._native.ProbedCode",
    .basicsize = sizeof(ProbedCodeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = probed_slots,
};

ProbedCodeObject *
probed_find(PyCodeObject *code)
{
    PyObject *consts = code->co_consts;
    Py_ssize_t len = PyTuple_GET_SIZE(consts);
    PyObject *last = len == 0 ? NULL : PyTuple_GET_ITEM(consts, len - 1);
    bool is_ours =
        last != NULL && Py_TYPE(last)->tp_dealloc ==
                            (destructor)(void (*)(void))probed_dealloc;
    return is_ours ? (ProbedCodeObject *)last : NULL;
}

int
probed_types_init(probed_types *types, PyObject *module)
{
    types->code =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &probed_spec, NULL);
    return types->code == NULL ? -1 : counter_pool_init(&types->pool, module);
}

void
probed_scratch_fini(probed_scratch *scratch)
{
    xt_buf_fini(&scratch->bytecode);
    xt_instrs_fini(&scratch->instrs);
    xt_graph_fini(&scratch->graph);
    xt_planner_fini(&scratch->planner);
    xt_depth_fini(&scratch->depth);
    xt_rewrite_fini(&scratch->rewrite);
    scratch->analysed = NULL;
}

/* --- Rewriting --------------------------------------------------------- */

/* Keeps what is needed of the analysis once that is over. */
static xt_status
keep(ProbedCodeObject *self, const probed_scratch *scratch)
{
    self->points_len = (uint32_t)scratch->instrs.len;
    self->landing = scratch->rewrite.landing;
    self->slots = xt_malloc(self->plan.slots * sizeof(*self->slots));
    self->counters =
        xt_malloc(scratch->planner.counters * sizeof(*self->counters));
    if (self->slots == NULL || self->counters == NULL) {
        return XT_NOMEM;
    }
    memset(self->slots, 0, self->plan.slots * sizeof(*self->slots));
    xt_plan_forget_nodes(&self->plan);
    return xt_unitmap_build(&self->map, &scratch->rewrite, &scratch->instrs);
}

xt_code_view
probed_view(PyCodeObject *code, const void *bytecode)
{
    PyObject *locations = code->co_linetable;
    PyObject *exceptions = code->co_exceptiontable;
    return (xt_code_view){
        .ops = xt_opcodes_for(COMPAT_MINOR),
        .code = bytecode,
        .code_len = 2 * (size_t)Py_SIZE(code),
        .locations = (const unsigned char *)PyBytes_AS_STRING(locations),
        .locations_len = (size_t)PyBytes_GET_SIZE(locations),
        .exceptions = (const unsigned char *)PyBytes_AS_STRING(exceptions),
        .exceptions_len = (size_t)PyBytes_GET_SIZE(exceptions),
        .first_line = code->co_firstlineno,
    };
}

/* Reads co_code into the scratch memory; `recalls` if that is with what jumps
   remember. */
static xt_status
read_bytecode(PyCodeObject *code, const xt_opcodes *ops, xt_buf *out,
              bool *recalls)
{
    xt_status status =
        xt_running_read(out, ops, (unsigned char *)frame_code_start(code),
                        2 * (size_t)Py_SIZE(code));
    *recalls = status == XT_OK;
    if (status != XT_UNSUPPORTED) {
        return status;
    }
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        PyErr_Clear();
        return XT_NOMEM;
    }
    out->len = 0;
    status = xt_buf_append(out, PyBytes_AS_STRING(bytes),
                           (size_t)PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return status;
}

/* Reads the code and builds its graph, for the first time or `again`, as it
   was then. The view is of scratch memory. */
static xt_status
analyse(ProbedCodeObject *self, bool again, probed_scratch *scratch,
        xt_code_view *view, const char **refusal)
{
    *refusal = "its bytecode is of no kind that this version makes";
    scratch->analysed = NULL;
    const xt_opcodes *ops = xt_opcodes_for(COMPAT_MINOR);
    bool recalls = false;
    xt_status status =
        ops == NULL
            ? XT_UNSUPPORTED
            : read_bytecode(self->original, ops, &scratch->bytecode, &recalls);
    if (status == XT_OK) {
        *view = probed_view(self->original, scratch->bytecode.bytes);
        status = xt_instrs_read(&scratch->instrs, view);
    }
    if (status == XT_OK && recalls && !again) {
        status = xt_recall_keep(&scratch->instrs, &self->recalls);
    }
    else if (status == XT_OK) {
        xt_recall_give(&scratch->instrs, self->recalls);
    }
    if (status == XT_OK) {
        status = xt_graph_build(&scratch->graph, &scratch->instrs, view,
                                self->branches);
        if (scratch->graph.refusal != NULL) {
            *refusal = scratch->graph.refusal;
        }
    }
    if (status == XT_OK) {
        status = xt_unroll(&scratch->graph, &scratch->instrs, self->unrolled);
    }
    if (status == XT_OK) {
        scratch->analysed = self;
    }
    return status;
}

static xt_status
build_plan(xt_plan *plan, probed_scratch *scratch)
{
    return xt_plan_build(plan, &scratch->planner, &scratch->graph,
                         &scratch->instrs);
}

/* Plans the probes of code that was analysed for the first time; if there may
   be copies of loops, with these where that is cheaper. */
static xt_status
plan(ProbedCodeObject *self, probed_scratch *scratch, xt_code_view *view,
     xt_unroll_loops copies, const char **refusal)
{
    xt_status status = build_plan(&self->plan, scratch);
    if (status != XT_OK ||
        !xt_unroll_may_pay(&scratch->graph, &scratch->instrs, copies,
                           scratch->planner.cost)) {
        return status;
    }
    float cost = scratch->planner.cost;
    xt_plan unrolled = {0};
    status = xt_unroll(&scratch->graph, &scratch->instrs, copies);
    if (status == XT_OK) {
        status = build_plan(&unrolled, scratch);
    }
    if (status == XT_OK &&
        xt_unroll_pays(&scratch->graph, cost, scratch->planner.cost)) {
        self->unrolled = copies;
        xt_plan_fini(&self->plan);
        self->plan = unrolled;
        return XT_OK;
    }
    xt_plan_fini(&unrolled);
    if (status != XT_NOMEM) {
        xt_plan_fini(&self->plan);
        status = analyse(self, true, scratch, view, refusal);
    }
    return status == XT_OK ? build_plan(&self->plan, scratch) : status;
}

/* Analyses and rewrites within the core. */
static xt_status
rewrite(ProbedCodeObject *self, probed_scratch *scratch, uint32_t first_const,
        xt_unroll_loops copies, const char **refusal)
{
    xt_code_view view;
    xt_status status = analyse(self, false, scratch, &view, refusal);
    if (status == XT_OK) {
        *refusal = "no probe can stand where one is needed";
        status = plan(self, scratch, &view, copies, refusal);
    }
    if (status == XT_OK) {
        *refusal = "it gets too large";
        status = xt_rewrite_build(&scratch->rewrite, &scratch->instrs, &view,
                                  scratch->planner.probes,
                                  scratch->planner.probes_len, first_const,
                                  scratch->graph.first_traceable);
    }
    return status == XT_OK ? keep(self, scratch) : status;
}

/* A constant, borrowed: of the tuple, or immortal. */
static PyObject *
value_of(xt_constant kind, uint32_t oparg, PyObject *consts)
{
    switch (kind) {
    case XT_CONSTANT_LISTED:
        return PyTuple_GET_ITEM(consts, oparg);
    case XT_CONSTANT_INT:
        return PyLong_FromLong((long)oparg);
    case XT_CONSTANT_TRUE:
        return Py_True;
    case XT_CONSTANT_FALSE:
        return Py_False;
    case XT_CONSTANT_NONE:
    case XT_CONSTANT_NONE_SUCH:
        break;
    }
    return Py_None;
}

/* Gives the counters of fused probes the constants that they stand for. */
static int
give_values(const ProbedCodeObject *self, const probed_scratch *scratch,
            PyObject *consts)
{
    const xt_opcodes *ops = xt_opcodes_for(COMPAT_MINOR);
    for (size_t i = 0; i < scratch->planner.probes_len; i++) {
        const xt_probe *probe = &scratch->planner.probes[i];
        if (probe->where != XT_PROBE_FUSED) {
            continue;
        }
        const xt_instr *instr = &scratch->instrs.items[probe->at];
        PyObject *value =
            value_of(xt_constant_of(ops, instr), instr->oparg, consts);
        if (value == NULL) {
            return -1;
        }
        counter_set_value(self->counters[probe->counter], value);
    }
    return 0;
}

/* The constants, the counters and the ProbedCode. */
static PyObject *
make_consts(ProbedCodeObject *self, const probed_scratch *scratch,
            PyObject *consts)
{
    Py_ssize_t len = PyTuple_GET_SIZE(consts);
    Py_ssize_t counters = (Py_ssize_t)scratch->planner.counters;
    PyObject *all = PyTuple_New(len + counters + 1);
    if (all == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < len; i++) {
        PyTuple_SET_ITEM(all, i, Py_NewRef(PyTuple_GET_ITEM(consts, i)));
    }
    for (Py_ssize_t i = 0; i < counters; i++) {
        uint64_t *slot = &self->slots[scratch->planner.slot_of[i]];
        PyObject *counter = counter_take(&self->types->pool, slot);
        if (counter == NULL) {
            Py_DECREF(all);
            return NULL;
        }
        self->counters[self->counters_len++] = counter;
        PyTuple_SET_ITEM(all, len + i, counter);
    }
    if (give_values(self, scratch, consts) < 0) {
        Py_DECREF(all);
        return NULL;
    }
    PyTuple_SET_ITEM(all, len + counters, Py_NewRef(self));
    /* No cycle that the collector could break goes through a code object, and
       the program may count what the collector knows. */
    PyObject_GC_UnTrack(all);
    return all;
}

/* How large a stack the rewritten code needs. That of a generator lies in the
   generator, which cannot grow (frame.h): so it stays as it is if probes find
   room in it, as nearly all do. */
static xt_status
find_stack(PyCodeObject *original, probed_scratch *scratch, int *stack)
{
    int32_t most = INT32_MAX;
    xt_status status = XT_OK;
    if (frame_is_in_generator(original)) {
        status = xt_depth_of_probes(
            &scratch->depth, &scratch->instrs, scratch->planner.probes,
            scratch->planner.probes_len, PyCompile_OpcodeStackEffectWithJump,
            &most);
    }
    *stack = original->co_stacksize + (most > original->co_stacksize);
    return status;
}

ProbedCodeObject *
probed_new(probed_types *types, PyCodeObject *original, PyObject *consts,
           bool branches, xt_unroll_loops copies, PyCodeObject **code,
           const char **refusal)
{
    *refusal = NULL;
    probed_scratch *scratch = &types->scratch;
    ProbedCodeObject *self = PyObject_New(ProbedCodeObject, types->code);
    if (self == NULL) {
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0,
           sizeof(*self) - sizeof(PyObject));
    self->original = (PyCodeObject *)Py_NewRef(original);
    self->types = types;
    self->branches = branches;
    const char *why = NULL;
    xt_status status = rewrite(
        self, scratch, (uint32_t)PyTuple_GET_SIZE(consts), copies, &why);
    PyCodeObject *made = NULL;
    int stack = 0;
    if (status == XT_OK) {
        status = find_stack(original, scratch, &stack);
    }
    if (status == XT_OK) {
        PyObject *all = make_consts(self, scratch, consts);
        if (all != NULL) {
            made = newcode_make(original, &scratch->rewrite, all, stack);
            Py_DECREF(all);
        }
    }
    else if (status == XT_NOMEM) {
        PyErr_NoMemory();
    }
    else {
        *refusal = why;
    }
    if (made == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    *code = made;
    return self;
}

void
probed_move_slots(ProbedCodeObject *probed, uint64_t *slots)
{
    for (uint32_t i = 0; i < probed->counters_len; i++) {
        counter_move(probed->counters[i], probed->slots, slots);
    }
    probed->slots = slots;
}

/* --- Exceptions -------------------------------------------------------- */

/* What is known of the instructions. */
static void
set_points(ProbedCodeObject *self, const xt_instrs *instrs,
           const xt_graph *graph)
{
    for (uint32_t i = 0; i < self->points_len; i++) {
        const xt_instr *instr = &instrs->items[i];
        self->points[i] = (probed_point){
            .line = instr->line,
            .handler = XT_NONE,
            .opcode = instr->start + instr->extended,
            .kind = instr->kind,
            .starts_line = (graph->flags[i] & XT_STARTS_LINE) != 0,
            .sure_line = (graph->flags[i] & XT_SURE_LINE) != 0,
        };
    }
    for (size_t i = 0; i < instrs->handlers.len; i++) {
        const xt_exctable_range *range = &instrs->handlers.ranges[i];
        for (uint32_t unit = range->start; unit < range->end; unit++) {
            self->points[instrs->at_unit[unit]].handler =
                instrs->at_unit[range->target];
        }
    }
    for (size_t i = instrs->read_len; i < instrs->len; i++) {
        uint32_t origin = xt_instrs_origin(instrs, (uint32_t)i);
        self->points[i].handler =
            instrs->items[i].added ? XT_NONE : self->points[origin].handler;
    }
    for (size_t i = 0; i < graph->len; i++) {
        const xt_edge *edge = &graph->edges[i];
        if (edge->kind != XT_EDGE_RERAISE) {
            continue;
        }
        if (edge->to == graph->outside) {
            self->reraises_out = true;
        }
        else {
            self->points[edge->to].gets_reraised = true;
        }
    }
}

/* False, with nothing reserved, if out of memory. */
static bool
reserve_points(ProbedCodeObject *self)
{
    self->points = xt_malloc(self->points_len * sizeof(*self->points));
    self->old_unit = xt_malloc(self->map.units * sizeof(*self->old_unit));
    self->point_at = xt_malloc(self->map.old_units * sizeof(*self->point_at));
    if (self->points == NULL || self->old_unit == NULL ||
        self->point_at == NULL) {
        forget_points(self);
        return false;
    }
    return true;
}

/* Most code never sees an exception: what is needed then is found, by the same
   analysis, when there is one: that may still be there. -1 if out of memory,
   without an exception. */
static int
need_points(ProbedCodeObject *self)
{
    if (self->points != NULL) {
        return 0;
    }
    probed_scratch *scratch = &self->types->scratch;
    xt_code_view view;
    const char *refusal;
    xt_status status = scratch->analysed == self
                           ? XT_OK
                           : analyse(self, true, scratch, &view, &refusal);
    if (status == XT_OK) {
        status = xt_plan_find_nodes(&self->plan, &scratch->planner,
                                    &scratch->graph, &scratch->instrs);
    }
    if (status == XT_OK && reserve_points(self)) {
        set_points(self, &scratch->instrs, &scratch->graph);
        xt_unitmap_spread(&self->map, self->old_unit, self->point_at);
    }
    return self->points == NULL ? -1 : 0;
}

int
probed_need_breaks(ProbedCodeObject *probed)
{
    if (probed->breaks.left != NULL) {
        return 0;
    }
    if (need_points(probed) < 0) {
        return -1;
    }
    size_t len = probed->points_len;
    uint64_t *all = keptcode_breaks(probed);
    probed->breaks_kept = all != NULL;
    if (all == NULL) {
        all = xt_malloc(3 * len * sizeof(*all));
        if (all == NULL) {
            return -1;
        }
        memset(all, 0, 3 * len * sizeof(*all));
    }
    probed->breaks = (probed_breaks){all, all + len, all + 2 * len};
    return 0;
}

void
probed_note_broken(ProbedCodeObject *probed)
{
    probed_types *types = probed->types;
    if (types->broken != probed) {
        unlink_broken(probed);
        probed->broken_before = NULL;
        probed->broken_next = types->broken;
        if (types->broken != NULL) {
            types->broken->broken_before = probed;
        }
        types->broken = probed;
    }
    probed->broken_time = ++types->broken_times;
}

void
probed_note_joined(ProbedCodeObject *probed, uint32_t branch)
{
    /* It has come out of the branch, but not into it: the opposite of what is
       noted of control that leaves there. */
    probed->breaks.left[probed->point_at[branch]]--;
    probed_note_broken(probed);
}

int
probed_note_jump(ProbedCodeObject *probed, uint32_t from, uint32_t to)
{
    if (from == XT_NONE || to == XT_NONE) {
        return 0;
    }
    if (probed_need_breaks(probed) < 0) {
        return -1;
    }
    probed_note_broken(probed);
    probed->breaks.left[from]++;
    probed->breaks.handled[to]++;
    return 0;
}
