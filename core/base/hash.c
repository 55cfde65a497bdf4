// SPDX-License-Identifier: Apache-2.0
#include "hash.h"

#include "cursor.h"

typedef struct {
    uint64_t a, b, c, d;
} sip_state;

static inline uint64_t
rotate(uint64_t word, int left)
{
    return (word << left) | (word >> (64 - left));
}

static inline void
sip_round(sip_state *s)
{
    s->a += s->b;
    s->b = rotate(s->b, 13) ^ s->a;
    s->a = rotate(s->a, 32);
    s->c += s->d;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = rotate(s->b, 17) ^ s->c;
    s->c = rotate(s->c, 32);
}

/* Fewer than eight bytes as a little-endian number. */
static inline uint64_t
load(const unsigned char *bytes, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

uint64_t
xt_hash_bytes(uint64_t key0, uint64_t key1, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    sip_state s = {
        key0 ^ UINT64_C(0x736f6d6570736575),
        key1 ^ UINT64_C(0x646f72616e646f6d),
        key0 ^ UINT64_C(0x6c7967656e657261),
        key1 ^ UINT64_C(0x7465646279746573),
    };
    size_t left = len;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word = xt_cursor_word(p);
        s.d ^= word;
        sip_round(&s);
        s.a ^= word;
    }
    uint64_t last = ((uint64_t)len << 56) | load(p, left);
    s.d ^= last;
    sip_round(&s);
    s.a ^= last;
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(&s);
    }
    return s.a ^ s.b ^ s.c ^ s.d;
}
