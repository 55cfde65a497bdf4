// SPDX-License-Identifier: Apache-2.0
#include "live.h"

#include "gather.h"
#include "mem.h"
#include "unrun.h"

/* --- Threads --------------------------------------------------------------
 */

/* Visits the frames of all threads but one, which may be NULL. */
static int
visit_threads(const PyThreadState *but, live_visitor visitor, void *arg)
{
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    int result = 0;
    for (PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter);
         thread != NULL; thread = PyThreadState_Next(thread)) {
        if (thread == but) {
            continue;
        }
        for (const frame_head *frame = frame_top(thread);
             frame != NULL && result == 0; frame = frame->previous) {
            PyCodeObject *code = frame_code(frame);
            if (code != NULL) {
                result = visitor(arg, frame, code, frame_offset(frame, code));
            }
        }
    }
    return result;
}

/* --- Greenlets ------------------------------------------------------------
 */

static bool
is_of_type(PyObject *object, const void *type)
{
    return PyObject_TypeCheck(object, (PyTypeObject *)type);
}

/* greenlet.greenlet, if the program has imported it: a new reference or
   NULL, without an exception. */
static PyObject *
find_greenlet_type(void)
{
    PyObject *name = PyUnicode_FromString("greenlet");
    PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
    PyObject *type =
        module == NULL ? NULL : PyObject_GetAttrString(module, "greenlet");
    Py_XDECREF(name);
    Py_XDECREF(module);
    PyErr_Clear();
    if (type != NULL && !PyType_Check(type)) {
        Py_CLEAR(type);
    }
    return type;
}

/* The frames in which greenlets are suspended, in place of the greenlets. */
static void
turn_into_frames(gathering *all)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->len; i++) {
        PyObject *frame = PyObject_GetAttrString(all->items[i], "gr_frame");
        Py_DECREF(all->items[i]);
        if (frame != NULL && PyFrame_Check(frame)) {
            all->items[kept++] = frame;
        }
        else {
            Py_XDECREF(frame);
            PyErr_Clear();
        }
    }
    all->len = kept;
}

bool
live_has_greenlets(void)
{
    PyObject *type = find_greenlet_type();
    Py_XDECREF(type);
    return type != NULL;
}

static gathering
gather_greenlets(void)
{
    gathering all = {0};
    PyObject *type = find_greenlet_type();
    if (type != NULL) {
        all = gather(is_of_type, type);
        turn_into_frames(&all);
        Py_DECREF(type);
    }
    return all;
}

static int
visit_greenlets(const gathering *all, live_visitor visitor, void *arg)
{
    int result = 0;
    for (size_t i = 0; i < all->len && result == 0; i++) {
        PyFrameObject *frame = (PyFrameObject *)Py_NewRef(all->items[i]);
        while (frame != NULL && result == 0) {
            PyCodeObject *code = PyFrame_GetCode(frame);
            result = visitor(arg, frame_of(frame), code,
                             PyFrame_GetLasti(frame) / 2);
            Py_DECREF(code);
            Py_SETREF(frame, PyFrame_GetBack(frame));
        }
        Py_XDECREF(frame);
    }
    return result;
}

int
live_visit(live_visitor visitor, void *arg)
{
    gathering greenlets = gather_greenlets();
    int result = visit_threads(NULL, visitor, arg);
    if (result == 0) {
        result = visit_greenlets(&greenlets, visitor, arg);
    }
    gathering_end(&greenlets);
    return result;
}

int
live_visit_others(live_visitor visitor, void *arg)
{
    return visit_threads(PyThreadState_Get(), visitor, arg);
}

/* --- Places --------------------------------------------------------------
 */

typedef struct {
    const EngineObject *engine;
    live_list *live;
} noting;

int
live_found(const EngineObject *engine, live_list *live, PyCodeObject *code,
           Py_ssize_t unit)
{
    ProbedCodeObject *probed = probed_get(&engine->types, code);
    uint32_t point = probed == NULL ? XT_NONE : probed_point_at(probed, unit);
    if (point == XT_NONE) {
        return 0;
    }
    live_place *places =
        xt_grow(live->places, &live->cap, live->len + 1, sizeof(*places));
    if (places == NULL) {
        return -1;
    }
    live->places = places;
    if (probed_need_breaks(probed) < 0) {
        return -1;
    }
    uint64_t *left = &probed->breaks.left[point];
    ++*left;
    CounterObject *unrun = unrun_find(probed, code, unit);
    if (unrun != NULL) {
        ++*unrun->slot;
    }
    places[live->len++] = (live_place){probed, left, unrun};
    return 0;
}

static int
note(void *arg, const frame_head *Py_UNUSED(frame), PyCodeObject *code,
     Py_ssize_t unit)
{
    const noting *job = arg;
    return live_found(job->engine, job->live, code, unit);
}

int
live_begin(const EngineObject *engine, live_list *live)
{
    *live = (live_list){0};
    noting job = {engine, live};
    int result = live_visit(note, &job);
    if (result < 0) {
        live_end(live);
    }
    return result;
}

void
live_end(live_list *live)
{
    for (size_t i = 0; i < live->len; i++) {
        const live_place *place = &live->places[i];
        --*place->left;
        if (place->unrun != NULL) {
            --*place->unrun->slot;
        }
    }
    xt_free(live->places);
}

void
live_abandon(const EngineObject *engine)
{
    live_list live = {0};
    noting job = {engine, &live};
    (void)live_visit_others(note, &job);
    for (size_t i = 0; i < live.len; i++) {
        probed_note_broken(live.places[i].probed);
    }
    xt_free(live.places);
}
