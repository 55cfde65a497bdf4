// SPDX-License-Identifier: Apache-2.0
#include "recall.h"

#include <string.h>

#include "mem.h"

enum { START = 0x5555 };

uint16_t
xt_recall_of(uint16_t cache, bool marked)
{
    enum { WIDTH = 16, SURE = 12 };
    unsigned len = 0;
    while (len <= SURE &&
           (unsigned)cache >> len != (START & ((1U << (WIDTH - len)) - 1))) {
        len++;
    }
    if (len > SURE) {
        if (marked) {
            return cache;
        }
        len = XT_RECALL_MAX;
    }
    unsigned mark = 1U << len;
    return (uint16_t)(mark | (cache & (mark - 1)));
}

unsigned
xt_recall_jumps(uint16_t recall, unsigned *len)
{
    unsigned jumps = 0;
    *len = 0;
    for (unsigned rest = recall; rest > 1; rest >>= 1) {
        jumps += rest & 1;
        ++*len;
    }
    return jumps;
}

/* Whether control goes back nowhere: then the jumps may have been marked. */
static bool
goes_ahead(const xt_instrs *instrs)
{
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        uint32_t at = instrs->jumps[i];
        if (instrs->items[at].target <= at) {
            return false;
        }
    }
    return true;
}

xt_status
xt_recall_keep(xt_instrs *instrs, uint16_t **kept)
{
    *kept = NULL;
    bool marked = goes_ahead(instrs);
    bool any = false;
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        xt_instr *jump = &instrs->items[instrs->jumps[i]];
        if (xt_opcode_remembers(instrs->ops, jump->op)) {
            jump->recall = xt_recall_of(jump->recall, marked);
            any = any || jump->recall > 1;
        }
    }
    if (!any) {
        xt_recall_give(instrs, NULL);
        return XT_OK;
    }
    uint16_t *recalls = xt_malloc(instrs->jumps_len * sizeof(*recalls));
    if (recalls == NULL) {
        xt_recall_give(instrs, NULL);
        return XT_NOMEM;
    }
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        recalls[i] = instrs->items[instrs->jumps[i]].recall;
    }
    *kept = recalls;
    return XT_OK;
}

void
xt_recall_give(xt_instrs *instrs, const uint16_t *kept)
{
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        instrs->items[instrs->jumps[i]].recall = kept == NULL ? 0 : kept[i];
    }
}

void
xt_recall_write(const xt_instrs *instrs, char *bytecode)
{
    for (size_t i = 0; i < instrs->jumps_len; i++) {
        const xt_instr *jump = &instrs->items[instrs->jumps[i]];
        if (xt_opcode_remembers(instrs->ops, jump->op)) {
            memcpy(bytecode + 2 * (size_t)(jump->end - 1), &jump->recall,
                   sizeof(jump->recall));
        }
    }
}

void
xt_recall_restart(uint16_t *code, size_t units, const xt_opcodes *ops)
{
    for (size_t unit = 0; unit < units;) {
        uint8_t op = ops->base[*(const uint8_t *)&code[unit]];
        unit += 1 + (size_t)ops->traits[op].caches;
        if (op == 0 || unit > units) {
            return;
        }
        if (xt_opcode_remembers(ops, op)) {
            code[unit - 1] = START;
        }
    }
}
