// SPDX-License-Identifier: Apache-2.0
#include "opcodes.h"

#include <stddef.h>

#include "opcodes_312.h"
#include "opcodes_313.h"
#include "opcodes_314.h"
#include "opcodes_315.h"

const xt_opcodes *
xt_opcodes_for(int minor)
{
    switch (minor) {
    case 12:
        return &xt_opcodes_312;
    case 13:
        return &xt_opcodes_313;
    case 14:
        return &xt_opcodes_314;
    case 15:
        return &xt_opcodes_315;
    default:
        return NULL;
    }
}
