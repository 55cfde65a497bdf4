// SPDX-License-Identifier: Apache-2.0
/* Writes a tally as the pickle that the standard trace module reads. */
#ifndef XT_PICKLE_WRITE_H
#define XT_PICKLE_WRITE_H

#include "buf.h"
#include "status.h"
#include "tally.h"

/* Appends the pickle, in protocol 1, to *out. On failure (XT_NOMEM;
   XT_UNSUPPORTED: a string of 4 GiB) *out is as it was. */
xt_status xt_pickle_write(const xt_tally *tally, xt_buf *out);

#endif
