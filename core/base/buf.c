// SPDX-License-Identifier: Apache-2.0
#include "buf.h"

#include <stdint.h>
#include <string.h>

#include "mem.h"

void
xt_buf_fini(xt_buf *buf)
{
    xt_free(buf->bytes);
    *buf = (xt_buf){0};
}

xt_status
xt_buf_reserve(xt_buf *buf, size_t more)
{
    if (more > SIZE_MAX - buf->len) {
        return XT_NOMEM;
    }
    char *bytes = xt_grow(buf->bytes, &buf->cap, buf->len + more, 1);
    if (bytes == NULL) {
        return XT_NOMEM;
    }
    buf->bytes = bytes;
    return XT_OK;
}

xt_status
xt_buf_append(xt_buf *buf, const char *bytes, size_t len)
{
    xt_status status = xt_buf_reserve(buf, len);
    if (status == XT_OK && len > 0) {
        memcpy(buf->bytes + buf->len, bytes, len);
        buf->len += len;
    }
    return status;
}
