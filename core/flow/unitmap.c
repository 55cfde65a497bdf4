// SPDX-License-Identifier: Apache-2.0
#include "unitmap.h"

#include <string.h>

#include "mem.h"

enum { WORD = 64 };

void
xt_unitmap_fini(xt_unitmap *map)
{
    xt_free(map->runs);
    xt_free(map->starts);
    xt_free(map->copies);
    *map = (xt_unitmap){0};
}

/* What the unit behind one that stands for `old` stands for, as long as a run
   goes on: all that was inserted in one place stands for the same. */
static uint32_t
follow(uint32_t old, uint32_t units)
{
    return (old & XT_REWRITE_INSERTED) != 0 ? old : old + units;
}

static xt_status
add_runs(xt_unitmap *map, const uint32_t *old_unit, uint32_t units)
{
    size_t cap = 0;
    uint32_t next = 0; /* what goes on with the run */
    for (uint32_t i = 0; i < units; i++) {
        if (i == 0 || old_unit[i] != next) {
            xt_unitmap_run *runs = xt_grow(
                map->runs, &cap, (size_t)map->runs_len + 1, sizeof(*runs));
            if (runs == NULL) {
                return XT_NOMEM;
            }
            map->runs = runs;
            runs[map->runs_len++] = (xt_unitmap_run){i, old_unit[i]};
        }
        next = follow(old_unit[i], 1);
    }
    return XT_OK;
}

static xt_status
add_starts(xt_unitmap *map, const xt_instrs *instrs)
{
    size_t words = (instrs->units + WORD - 1) / WORD;
    map->starts = xt_malloc(words * sizeof(*map->starts));
    if (map->starts == NULL) {
        return XT_NOMEM;
    }
    memset(map->starts, 0, words * sizeof(*map->starts));
    for (size_t i = 0; i < instrs->len; i++) {
        uint32_t start = instrs->items[i].start;
        map->starts[start / WORD] |= UINT64_C(1) << (start % WORD);
    }
    return XT_OK;
}

/* What a run of copies goes on with: added instructions stand for what they
   lead to, one by one. */
static xt_status
add_copies(xt_unitmap *map, const xt_instrs *instrs)
{
    size_t cap = 0;
    uint32_t next = XT_NONE;
    for (size_t i = instrs->read_len; i < instrs->len; i++) {
        const xt_instr *instr = &instrs->items[i];
        const xt_instr *of =
            &instrs->items[xt_instrs_origin(instrs, (uint32_t)i)];
        bool is_front = instr->added && instr->target == XT_NONE;
        uint32_t origin = is_front ? of->end - 1 : of->start;
        if (origin != next) {
            xt_unitmap_run *copies =
                xt_grow(map->copies, &cap, (size_t)map->copies_len + 1,
                        sizeof(*copies));
            if (copies == NULL) {
                return XT_NOMEM;
            }
            map->copies = copies;
            copies[map->copies_len++] = (xt_unitmap_run){instr->start, origin};
        }
        next = origin + instr->end - instr->start;
    }
    return XT_OK;
}

xt_status
xt_unitmap_build(xt_unitmap *map, const xt_rewrite *rewrite,
                 const xt_instrs *instrs)
{
    map->units = (uint32_t)rewrite->units;
    map->old_units = (uint32_t)instrs->units;
    map->read_units = (uint32_t)instrs->read_units;
    if (add_runs(map, rewrite->old_unit, map->units) != XT_OK ||
        add_copies(map, instrs) != XT_OK || add_starts(map, instrs) != XT_OK) {
        xt_unitmap_fini(map);
        return XT_NOMEM;
    }
    return XT_OK;
}

void
xt_unitmap_spread(const xt_unitmap *map, uint32_t *old_unit,
                  uint32_t *instr_at)
{
    for (uint32_t run = 0; run < map->runs_len; run++) {
        const xt_unitmap_run *at = &map->runs[run];
        uint32_t end = run + 1 < map->runs_len ? at[1].new_unit : map->units;
        for (uint32_t i = at->new_unit; i < end; i++) {
            old_unit[i] = follow(at->old_unit, i - at->new_unit);
        }
    }
    uint32_t started = 0;
    for (uint32_t i = 0; i < map->old_units; i++) {
        started += map->starts[i / WORD] >> (i % WORD) & 1;
        instr_at[i] = started - 1;
    }
}

/* The run that a unit belongs to. */
static const xt_unitmap_run *
find_run(const xt_unitmap_run *runs, uint32_t len, uint32_t unit)
{
    uint32_t low = 0;
    uint32_t high = len;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (runs[middle].new_unit <= unit) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    return &runs[low];
}

uint32_t
xt_unitmap_find(const xt_unitmap *map, uint32_t new_unit)
{
    const xt_unitmap_run *run = find_run(map->runs, map->runs_len, new_unit);
    return follow(run->old_unit, new_unit - run->new_unit);
}

uint32_t
xt_unitmap_origin(const xt_unitmap *map, uint32_t old_unit)
{
    if (old_unit < map->read_units) {
        return old_unit;
    }
    const xt_unitmap_run *run =
        find_run(map->copies, map->copies_len, old_unit);
    return run->old_unit + old_unit - run->new_unit;
}

/* How many bits are set: in pairs, in fours, in bytes, and then all of these
   in the uppermost one. */
static unsigned
count_bits(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    word -= word >> 1 & 0x55 * ones;
    word = (word & 0x33 * ones) + (word >> 2 & 0x33 * ones);
    word = (word + (word >> 4)) & 0x0f * ones;
    return (unsigned)(word * ones >> (WORD - 8));
}

uint32_t
xt_unitmap_instr(const xt_unitmap *map, uint32_t old_unit)
{
    uint32_t started = 0;
    for (uint32_t word = 0; word < old_unit / WORD; word++) {
        started += count_bits(map->starts[word]);
    }
    uint64_t upto = UINT64_MAX >> (WORD - 1 - old_unit % WORD);
    started += count_bits(map->starts[old_unit / WORD] & upto);
    return started - 1;
}
