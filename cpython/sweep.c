// SPDX-License-Identifier: Apache-2.0
#include "sweep.h"

#include "harvest.h"
#include "mem.h"

enum { SWEEP_FROM = 2048 }; /* code objects */

/* Whether only the registry has the code, rewritten or not. */
static bool
is_gone(const code_entry *entry)
{
    Py_ssize_t ours = entry->probed == NULL ? 1 : 2;
    return !entry->weak && Py_REFCNT(entry->original) == ours &&
           (entry->code == NULL || Py_REFCNT(entry->code) == 1) &&
           (entry->probed == NULL ||
            Py_REFCNT(entry->probed) == (entry->code == NULL ? 1 : 2));
}

/* Moves the entries that are gone behind the others; returns how many stay. */
static size_t
part(code_registry *registry, code_entry **gone, size_t *gone_len)
{
    size_t kept = 0;
    for (size_t i = 0; i < registry->len; i++) {
        code_entry *entry = registry->items[i];
        if (is_gone(entry)) {
            gone[(*gone_len)++] = entry;
        }
        else {
            entry->index = kept;
            registry->items[kept++] = entry;
        }
    }
    return kept;
}

int
sweep(EngineObject *engine)
{
    code_registry *registry = &engine->registry;
    if (registry->len < SWEEP_FROM || registry->len < registry->sweep_at) {
        return 0;
    }
    code_entry **gone = xt_malloc(registry->len * sizeof(*gone));
    if (gone == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    size_t len = 0;
    size_t kept = part(registry, gone, &len);
    size_t settled = 0;
    int result = 0;
    while (settled < len && result == 0) {
        result = harvest_settle(engine, gone[settled]);
        settled += result == 0;
    }
    /* What could not be settled stays. */
    for (size_t i = settled; i < len; i++) {
        gone[i]->index = kept;
        registry->items[kept++] = gone[i];
    }
    registry->len = kept;
    registry->sweep_at = 2 * kept;
    registry_forget(registry, gone, settled);
    xt_free(gone);
    return result;
}

/* --- Weak entries ---------------------------------------------------------
 */

/* The entry's code is being freed. */
static void
settle_and_remove(EngineObject *engine, code_entry *entry)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (harvest_settle(engine, entry) < 0 && engine_keep_trouble(engine) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    harvest_drop(engine, entry);
    registry_remove(&engine->registry, entry);
    PyErr_Restore(type, value, traceback);
}

/* The rewritten code is being freed. */
static void
let_go(void *owner, ProbedCodeObject *probed)
{
    EngineObject *engine = owner;
    code_entry *entry = registry_get(&engine->registry, probed->original);
    if (entry != NULL && entry->probed == probed) {
        settle_and_remove(engine, entry);
    }
}

void
sweep_code_freed(EngineObject *engine, PyCodeObject *code)
{
    /* Both must forget it, whatever fails. */
    if (firstruns_code_freed(engine, code) < 0 &&
        engine_keep_trouble(engine) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    if (fewcalls_code_freed(engine, code) < 0 &&
        engine_keep_trouble(engine) < 0) {
        PyErr_WriteUnraisable(NULL);
    }
    code_entry *entry = registry_get(&engine->registry, code);
    if (entry != NULL && entry->weak && entry->probed == NULL) {
        settle_and_remove(engine, entry);
    }
}

bool
sweep_may_forget(const EngineObject *engine)
{
    for (size_t i = 0; i < engine->sessions_len; i++) {
        if ((engine->sessions[i]->mode & TRACER_DEBUG) != 0) {
            return false;
        }
    }
    return engine->watcher >= 0;
}

bool
sweep_is_first_run(const EngineObject *engine, PyCodeObject *code)
{
    return !frame_is_in_generator(code) && sweep_may_forget(engine) &&
           xt_ptrmap_get(&engine->firsts.started, code) == NULL &&
           xt_ptrmap_get(&engine->fews.by_code, code) == NULL;
}

void
sweep_weaken(EngineObject *engine, code_entry *entry)
{
    if (!entry->weak && !entry->by_events && sweep_is_body(entry->original) &&
        firstruns_note_start(engine, entry->original)) {
        entry->probed->let_go = let_go;
        entry->probed->owner = engine;
        registry_weaken(entry);
    }
}

void
sweep_weaken_original(const EngineObject *engine, code_entry *entry)
{
    if (!entry->weak && entry->code == NULL && entry->probed == NULL &&
        sweep_may_forget(engine)) {
        registry_weaken(entry);
    }
}
