// SPDX-License-Identifier: Apache-2.0
#ifndef XT_PICKLE_REFUSED_H
#define XT_PICKLE_REFUSED_H

#include <stdint.h>

/* Why an opcode that pickle knows has no place in a counts file; NULL when
   pickle does not know it. Static storage. */
const char *xt_pickle_refused_why(uint8_t op);

#endif
