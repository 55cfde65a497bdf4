// SPDX-License-Identifier: Apache-2.0
/* Which code unit of a code object each one of its rewritten form stands for,
 * and to which instruction that belongs; kept for as long as the code is, and
 * so in little room.
 *
 * Between probes, one follows upon the other: only where that ends is noted.
 */
#ifndef XT_UNITMAP_H
#define XT_UNITMAP_H

#include "rewrite.h"

/* From here on, until the next one: the old unit and those that follow upon
   it, or the same again with XT_REWRITE_INSERTED. */
typedef struct {
    uint32_t new_unit;
    uint32_t old_unit;
} xt_unitmap_run;

/* Zero is a valid empty map. */
typedef struct {
    xt_unitmap_run *runs; /* owned */
    uint64_t *starts; /* owned: a bit per old unit, in words from the lowest
                         on: an instruction starts there */
    xt_unitmap_run *copies; /* owned: the same of old units that are of copies
                               (unroll.h), and of the original's code units
                               that they stand for */
    uint32_t copies_len;
    uint32_t runs_len;
    uint32_t units;      /* of the rewritten code */
    uint32_t old_units;  /* of the original, and of copies */
    uint32_t read_units; /* of the original */
} xt_unitmap;

void xt_unitmap_fini(xt_unitmap *map);

/* Fills an empty map. XT_NOMEM. */
xt_status xt_unitmap_build(xt_unitmap *map, const xt_rewrite *rewrite,
                           const xt_instrs *instrs);

/* Sets old_unit[new unit], as that was in xt_rewrite, and instr_at[old unit]:
   for whoever asks often. There must be room for map->units and
   map->old_units. */
void xt_unitmap_spread(const xt_unitmap *map, uint32_t *old_unit,
                       uint32_t *instr_at);

/* The old unit, with XT_REWRITE_INSERTED, for one below map->units. */
uint32_t xt_unitmap_find(const xt_unitmap *map, uint32_t new_unit);

/* The code unit of the original for an old unit below map->old_units. */
uint32_t xt_unitmap_origin(const xt_unitmap *map, uint32_t old_unit);

/* The instruction of an old unit below map->old_units. */
uint32_t xt_unitmap_instr(const xt_unitmap *map, uint32_t old_unit);

#endif
