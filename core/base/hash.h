// SPDX-License-Identifier: Apache-2.0
/* SipHash-1-3 (Aumasson and Bernstein 2012): a hash whose collisions cannot
   be prepared by whoever wrote the input but does not know the key. */
#ifndef XT_HASH_H
#define XT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of `len` bytes under the 128-bit key (key0, key1). */
uint64_t xt_hash_bytes(uint64_t key0, uint64_t key1, const void *bytes,
                       size_t len);

#endif
