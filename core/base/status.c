// SPDX-License-Identifier: Apache-2.0
#include "status.h"

const char *
xt_status_name(xt_status status)
{
    switch (status) {
    case XT_OK:
        return "ok";
    case XT_NOMEM:
        return "out of memory";
    case XT_CORRUPT:
        return "corrupt data";
    case XT_IO:
        return "input/output error";
    case XT_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown status";
}
