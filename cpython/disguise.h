// SPDX-License-Identifier: Apache-2.0
/* Rewritten code shows itself to the program as what it was.
 */
#ifndef XT_DISGUISE_H
#define XT_DISGUISE_H

#include "probed.h"

/* Begins to show the original code. -1 with an exception. */
int disguise_begin(const probed_types *types);

/* Ends it, whether or not an exception is set. */
void disguise_end(const probed_types *types);

#endif
