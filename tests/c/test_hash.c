// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include "hash.h"

/* The expected values are those of CPython's own SipHash-1-3, which has the
   key 0 under PYTHONHASHSEED=0: hash(bytes(range(n))). */
static void
the_hash_is_siphash_1_3(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } known[] = {
        {1, UINT64_C(0x68a914128e01e473)},  {7, UINT64_C(0x2f098ab0c751325a)},
        {8, UINT64_C(0xead411e67ebe2eea)},  {9, UINT64_C(0x75927f9d95124362)},
        {20, UINT64_C(0x639e355ae68c0100)},
    };
    unsigned char bytes[20];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        assert_true(known[i].hash == xt_hash_bytes(0, 0, bytes, known[i].len));
    }
}

static void
another_key_gives_another_hash(void **state)
{
    (void)state;
    assert_true(xt_hash_bytes(1, 2, "abc", 3) ==
                xt_hash_bytes(1, 2, "abc", 3));
    assert_true(xt_hash_bytes(1, 2, "abc", 3) !=
                xt_hash_bytes(1, 3, "abc", 3));
    assert_true(xt_hash_bytes(1, 2, "abc", 3) !=
                xt_hash_bytes(2, 2, "abc", 3));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_siphash_1_3),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
