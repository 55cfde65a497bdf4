// SPDX-License-Identifier: Apache-2.0
/* The code objects that are counted, each once, by the original's address.
 *
 * All functions need the GIL, which guards everything here.
 */
#ifndef XT_REGISTRY_H
#define XT_REGISTRY_H

#include "probed.h"
#include "ptrmap.h"

typedef struct code_entry {
    PyCodeObject *original;    /* owned */
    PyCodeObject *code;        /* owned: rewritten; NULL if declined */
    ProbedCodeObject *probed;  /* owned; NULL if declined */
    const char *refusal;       /* static: why it was declined, or NULL */
    struct code_entry *parent; /* borrowed: whose constant it is, or NULL */
    PyObject *file; /* owned: __file__ of the module where it ran; NULL: it
                       did not */
    size_t index;   /* among the registry's items */
    struct code_entry *older; /* borrowed: got its probes before it, or NULL */
    struct code_entry *newer; /* and after it */
    uint64_t
        number;     /* code_registry.probed when it got them; 0: it has none */
    bool weak;      /* the three owned objects are only borrowed, and the entry
                       is gone when the rewritten code is; or the original, if
                       there is no such */
    bool prepared;  /* the rewritten code has a local event */
    bool by_events; /* some of its frames are counted by events */
} code_entry;

typedef struct {
    code_entry **items; /* owned, also each */
    size_t len;
    size_t cap;
    code_entry *newest;  /* borrowed: got its probes last, or NULL */
    uint64_t probed;     /* how many ever got some */
    size_t sweep_at;     /* how many items make a sweep worth while */
    xt_ptrmap by_code;   /* original -> code_entry */
    xt_ptrmap parents;   /* code object in someone's constants -> code_entry */
    PyObject *asking;    /* owned: the name by which a file asks for events of
                            instructions; NULL: nobody has looked yet */
    PyObject *declined;  /* owned: set of names of files that do, or NULL */
    xt_ptrmap looked_at; /* owned: co_filename of files whose bodies have been
                            looked at, and all code in them */
    struct kept_file *kept; /* borrowed: where counters are put, or NULL */
} code_registry;

/* Zero memory is a valid empty registry before and after. */
void registry_fini(code_registry *registry);

/* The entry of a code object, or NULL. */
static inline code_entry *
registry_get(const code_registry *registry, PyCodeObject *original)
{
    return xt_ptrmap_get(&registry->by_code, original);
}

/* Whether code belongs to a file that asks for an event per instruction:
   whoever does so is shown those of the original, and nothing of the file is
   rewritten. Must be asked of a module's code before it runs. -1 with an
   exception. */
int registry_sees_instructions(code_registry *registry, PyCodeObject *code);

/* The entry of a code object, made on first sight; and the code rewritten, if
   possible and `refusal` (static) says nothing against it; `copies`: which of
   its loops may have some, as far as its frames have told. From then on the
   code object's parent makes functions of the rewritten code. NULL with an
   exception. */
code_entry *registry_add(code_registry *registry, probed_types *types,
                         PyCodeObject *original, const char *refusal,
                         bool branches, xt_unroll_loops copies);

/* Has the entry live no longer than someone else has its rewritten code, or
   the original if there is none, who must have it now. Who notices that calls
   registry_remove(). */
void registry_weaken(code_entry *entry);

/* Takes one entry out and frees it. */
void registry_remove(code_registry *registry, code_entry *entry);

/* Frees entries that are in `items` no more. */
void registry_forget(code_registry *registry, code_entry *const *gone,
                     size_t len);

/* Puts the original code objects back among the constants of rewritten ones,
   as someone may go on running those. */
void registry_restore_consts(code_registry *registry);

/* Whether somebody else may hold rewritten code, or a copy of it, when that
   among constants has been put back. */
bool registry_is_held(const code_registry *registry);

#endif
