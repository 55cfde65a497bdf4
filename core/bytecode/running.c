// SPDX-License-Identifier: Apache-2.0
#include "running.h"

#include <string.h>

xt_status
xt_running_read(xt_buf *out, const xt_opcodes *ops, const unsigned char *code,
                size_t len)
{
    out->len = 0;
    if (xt_buf_reserve(out, len) != XT_OK) {
        return XT_NOMEM;
    }
    unsigned char *to = (unsigned char *)out->bytes;
    size_t at = 0;
    while (at + 1 < len) {
        uint8_t op = ops->base[code[at]];
        if (op == 0) {
            return XT_UNSUPPORTED;
        }
        to[at] = op;
        to[at + 1] = code[at + 1];
        at += 2;
        size_t caches = 2 * (size_t)ops->traits[op].caches;
        if (caches > len - at) {
            return XT_CORRUPT;
        }
        if (xt_opcode_remembers(ops, op)) {
            memcpy(to + at, code + at, caches);
        }
        else if (caches > 0) {
            memset(to + at, 0, caches);
        }
        at += caches;
    }
    out->len = at;
    return at == len ? XT_OK : XT_CORRUPT;
}
