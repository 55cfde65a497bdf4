// SPDX-License-Identifier: Apache-2.0
/* A growable run of bytes, for everything that is written. */
#ifndef XT_BUF_H
#define XT_BUF_H

#include <stddef.h>

#include "status.h"

/* Zero is a valid empty buffer. */
typedef struct {
    char *bytes; /* owned; NULL while cap is 0 */
    size_t len;
    size_t cap;
} xt_buf;

void xt_buf_fini(xt_buf *buf);

/* Makes room for `more` bytes behind the end. XT_NOMEM leaves the buffer as
   it was. */
xt_status xt_buf_reserve(xt_buf *buf, size_t more);

/* Appends `len` bytes. XT_NOMEM leaves the buffer as it was. */
xt_status xt_buf_append(xt_buf *buf, const char *bytes, size_t len);

#endif
