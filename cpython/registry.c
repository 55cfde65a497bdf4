// SPDX-License-Identifier: Apache-2.0
#include "registry.h"

#include "keptcode.h"
#include "mem.h"

static void
entry_free(code_entry *entry)
{
    if (!entry->weak) {
        Py_XDECREF(entry->code);
        Py_XDECREF(entry->probed);
        Py_DECREF(entry->original);
    }
    Py_XDECREF(entry->file);
    xt_free(entry);
}

static void
forget_files(xt_ptrmap *files)
{
    for (size_t i = 0; files->entries != NULL && i <= files->mask; i++) {
        Py_XDECREF((PyObject *)files->entries[i].key);
    }
    xt_ptrmap_fini(files);
}

void
registry_fini(code_registry *registry)
{
    /* Freeing code may run the program's code, which may not find us. */
    code_registry gone = *registry;
    memset(registry, 0, sizeof(*registry));
    for (size_t i = 0; i < gone.len; i++) {
        if (gone.items[i]->weak && gone.items[i]->probed != NULL) {
            gone.items[i]->probed->let_go = NULL;
        }
    }
    for (size_t i = 0; i < gone.len; i++) {
        entry_free(gone.items[i]);
    }
    Py_XDECREF(gone.asking);
    Py_XDECREF(gone.declined);
    xt_free(gone.items);
    xt_ptrmap_fini(&gone.by_code);
    xt_ptrmap_fini(&gone.parents);
    forget_files(&gone.looked_at);
}

/* --- Files that look at single instructions ------------------------------ */

/* Whether the code, or code among its constants, uses a name. */
static bool
uses_name(PyCodeObject *code, PyObject *interned)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        if (PyTuple_GET_ITEM(code->co_names, i) == interned) {
            return true;
        }
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(item) && uses_name((PyCodeObject *)item, interned)) {
            return true;
        }
    }
    return false;
}

static int
note_declined(code_registry *registry, PyObject *file)
{
    if (registry->declined == NULL) {
        registry->declined = PySet_New(NULL);
    }
    return registry->declined == NULL ? -1
                                      : PySet_Add(registry->declined, file);
}

/* Whether the code is a whole file's. */
static bool
is_body(PyCodeObject *code)
{
    return (code->co_flags & CO_OPTIMIZED) == 0 &&
           PyUnicode_CompareWithASCIIString(code->co_name, "<module>") == 0;
}

/* Whether the code is part of code that has been looked at. That of one file
   has its name from one object; names such as "<string>" are anyone's. */
static bool
was_looked_at(const code_registry *registry, PyCodeObject *code)
{
    return xt_ptrmap_get(&registry->parents, code) != NULL ||
           (xt_ptrmap_get(&registry->looked_at, code->co_filename) != NULL &&
            !is_body(code));
}

static void
note_looked_at(code_registry *registry, PyCodeObject *code)
{
    PyObject *file = code->co_filename;
    bool names_file =
        PyUnicode_GET_LENGTH(file) > 0 && PyUnicode_READ_CHAR(file, 0) != '<';
    if (names_file && is_body(code) &&
        xt_ptrmap_get(&registry->looked_at, file) == NULL &&
        xt_ptrmap_set(&registry->looked_at, file, registry) == XT_OK) {
        Py_INCREF(file);
    }
}

int
registry_sees_instructions(code_registry *registry, PyCodeObject *code)
{
    if (registry->asking == NULL) {
        registry->asking = PyUnicode_InternFromString("f_trace_opcodes");
        if (registry->asking == NULL) {
            return -1;
        }
    }
    if (!was_looked_at(registry, code)) {
        if (uses_name(code, registry->asking) &&
            note_declined(registry, code->co_filename) < 0) {
            return -1;
        }
        note_looked_at(registry, code);
    }
    return registry->declined == NULL
               ? 0
               : PySet_Contains(registry->declined, code->co_filename);
}

/* --- Entries --------------------------------------------------------------
 */

/* Whether code has to be rewritten before any frame runs it. Others are when
   they are first called; but a coroutine whose stack has no room for probes is
   then counted by events, and these do not tell all of its branches (see
   xt_branch_has_events()). */
static bool
must_be_ready(const PyCodeObject *code, bool branches)
{
    return branches &&
           (code->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
}

/* The constants, with the functions among them rewritten that are so already
   or must be. A new tuple. */
static PyObject *
rewrite_consts(code_registry *registry, probed_types *types, code_entry *entry,
               bool branches)
{
    PyObject *consts = entry->original->co_consts;
    Py_ssize_t len = PyTuple_GET_SIZE(consts);
    PyObject *made = PyTuple_New(len);
    for (Py_ssize_t i = 0; made != NULL && i < len; i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (PyCode_Check(item)) {
            PyCodeObject *child = (PyCodeObject *)item;
            if (xt_ptrmap_set(&registry->parents, child, entry) != XT_OK) {
                PyErr_NoMemory();
                Py_CLEAR(made);
                break;
            }
            code_entry *known = registry_get(registry, child);
            if (known == NULL && must_be_ready(child, branches)) {
                known = registry_add(registry, types, child, NULL, branches,
                                     XT_UNROLL_ALL);
                if (known == NULL) {
                    Py_CLEAR(made);
                    break;
                }
            }
            if (known != NULL) {
                known->parent = entry;
                if (known->code != NULL) {
                    item = (PyObject *)known->code;
                }
            }
        }
        PyTuple_SET_ITEM(made, i, Py_NewRef(item));
    }
    return made;
}

/* -1 with an exception. */
static int
rewrite(code_registry *registry, probed_types *types, code_entry *entry,
        bool branches, xt_unroll_loops copies)
{
    int sees = registry_sees_instructions(registry, entry->original);
    if (sees != 0) {
        entry->refusal = "its file asks for events of opcodes";
        return sees < 0 ? -1 : 0;
    }
    PyObject *consts = rewrite_consts(registry, types, entry, branches);
    if (consts == NULL) {
        return -1;
    }
    /* Of a process that is killed, nobody could tell in which round a frame
       was; and what other tools disable is one place. */
    if (registry->kept != NULL || types->watched) {
        copies = XT_UNROLL_NONE;
    }
    entry->probed = probed_new(types, entry->original, consts, branches,
                               copies, &entry->code, &entry->refusal);
    Py_DECREF(consts);
    if (entry->probed != NULL && registry->kept != NULL) {
        keptcode_add(registry->kept, entry->probed);
    }
    return entry->probed == NULL && entry->refusal == NULL ? -1 : 0;
}

/* Sets a constant of a rewritten code object. Nobody else has its tuple, but
   for the program's copies of that code, for which this is right as well. */
static void
replace_const(code_entry *parent, PyCodeObject *before, PyCodeObject *after)
{
    PyObject *consts = parent->code->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        if (PyTuple_GET_ITEM(consts, i) == (PyObject *)before) {
            PyTuple_SET_ITEM(consts, i, Py_NewRef(after));
            Py_DECREF(before);
        }
    }
}

/* The entry has probes now. */
static void
link_probed(code_registry *registry, code_entry *entry)
{
    entry->number = ++registry->probed;
    entry->older = registry->newest;
    if (registry->newest != NULL) {
        registry->newest->newer = entry;
    }
    registry->newest = entry;
}

code_entry *
registry_add(code_registry *registry, probed_types *types,
             PyCodeObject *original, const char *refusal, bool branches,
             xt_unroll_loops copies)
{
    code_entry *entry = registry_get(registry, original);
    if (entry != NULL) {
        return entry;
    }
    code_entry **items = xt_grow(registry->items, &registry->cap,
                                 registry->len + 1, sizeof(*items));
    if (items != NULL) {
        registry->items = items;
        entry = xt_malloc(sizeof(*entry));
    }
    if (entry == NULL ||
        xt_ptrmap_set(&registry->by_code, original, entry) != XT_OK) {
        xt_free(entry);
        PyErr_NoMemory();
        return NULL;
    }
    *entry = (code_entry){
        .original = (PyCodeObject *)Py_NewRef(original),
        .parent = xt_ptrmap_get(&registry->parents, original),
        .refusal = refusal,
    };
    entry->index = registry->len;
    registry->items[registry->len++] = entry;
    if (refusal == NULL &&
        rewrite(registry, types, entry, branches, copies) < 0) {
        entry->refusal = "an error";
        return NULL;
    }
    if (entry->probed != NULL) {
        link_probed(registry, entry);
    }
    if (entry->code != NULL && entry->parent != NULL &&
        entry->parent->code != NULL) {
        replace_const(entry->parent, original, entry->code);
    }
    return entry;
}

static void
unlink_probed(code_registry *registry, code_entry *entry)
{
    if (entry->number == 0) {
        return;
    }
    *(entry->newer == NULL ? &registry->newest : &entry->newer->older) =
        entry->older;
    if (entry->older != NULL) {
        entry->older->newer = entry->newer;
    }
}

/* Nothing may lead to the entry any more. */
static void
unlink_entry(code_registry *registry, code_entry *entry)
{
    xt_ptrmap_remove(&registry->by_code, entry->original);
    unlink_probed(registry, entry);
    PyObject *consts = entry->original->co_consts;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++) {
        PyObject *item = PyTuple_GET_ITEM(consts, i);
        if (!PyCode_Check(item) ||
            xt_ptrmap_get(&registry->parents, item) != entry) {
            continue;
        }
        xt_ptrmap_remove(&registry->parents, item);
        code_entry *child = registry_get(registry, (PyCodeObject *)item);
        if (child != NULL && child->parent == entry) {
            child->parent = NULL;
        }
    }
}

void
registry_weaken(code_entry *entry)
{
    entry->weak = true;
    Py_XDECREF(entry->code);
    Py_XDECREF(entry->probed);
    Py_DECREF(entry->original);
}

void
registry_remove(code_registry *registry, code_entry *entry)
{
    code_entry *last = registry->items[--registry->len];
    registry->items[entry->index] = last;
    last->index = entry->index;
    unlink_entry(registry, entry);
    entry_free(entry);
}

void
registry_forget(code_registry *registry, code_entry *const *gone, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unlink_entry(registry, gone[i]);
    }
    for (size_t i = 0; i < len; i++) {
        entry_free(gone[i]);
    }
}

void
registry_restore_consts(code_registry *registry)
{
    /* From the end: an entry that is freed by that is replaced by the last. */
    for (size_t i = registry->len; i-- > 0;) {
        code_entry *entry = i < registry->len ? registry->items[i] : NULL;
        if (entry != NULL && entry->code != NULL && entry->parent != NULL &&
            entry->parent->code != NULL) {
            replace_const(entry->parent, entry->code, entry->original);
        }
    }
}

bool
registry_is_held(const code_registry *registry)
{
    bool held = false;
    for (size_t i = 0; i < registry->len && !held; i++) {
        const code_entry *entry = registry->items[i];
        /* A copy has the same constants. */
        held = entry->code != NULL &&
               (entry->weak || Py_REFCNT(entry->code) > 1 ||
                Py_REFCNT(entry->code->co_consts) > 1);
    }
    return held;
}
