// SPDX-License-Identifier: Apache-2.0
/* Text as Python's "utf-8" codec with the error handler "surrogatepass"
   writes it: UTF-8 in which lone surrogates, as file names have them, stand
   as three bytes. */
#ifndef XT_UTF8_H
#define XT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Whether the bytes are such text: shortest forms only, nothing above
   U+10FFFF, nothing cut off. So equal text has equal bytes. */
int xt_utf8_is_valid(const uint8_t *bytes, size_t len);

#endif
