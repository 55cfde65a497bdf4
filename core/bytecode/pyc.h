// SPDX-License-Identifier: Apache-2.0
/* A compiled file (.pyc), read for its line numbers only:

   [magic 4][flags 4][time 4][size 4] one marshalled code object

   Nothing is built from it and nothing in it is believed, so that a forged
   one does no harm. Whether the file is fresh is for the caller to say. */
#ifndef XT_PYC_H
#define XT_PYC_H

#include <stddef.h>

#include "location.h"
#include "status.h"

/* Adds the lines of every code object in the file to `into`. XT_CORRUPT or
   XT_UNSUPPORTED when it is not what CPython 3.11 to 3.15 write, or
   XT_NOMEM; the set may then hold some of the lines. */
xt_status xt_pyc_collect(const void *bytes, size_t len,
                         xt_location_lines *into);

#endif
