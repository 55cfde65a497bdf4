// SPDX-License-Identifier: Apache-2.0
/* The map beside a twin that cannot be wrong: an array of all keys. */
#include "cmocka_all.h"

#include "mem.h"
#include "ptrmap.h"

enum { KEYS = 500, STEPS = 200000 };

static const void *
key_of(size_t i)
{
    return (const void *)(uintptr_t)((i + 1) * 16);
}

static void
assert_same(const xt_ptrmap *map, void *const *twin)
{
    size_t used = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(twin[i], xt_ptrmap_get(map, key_of(i)));
        used += twin[i] != NULL;
    }
    assert_int_equal(used, map->used);
}

static void
an_empty_map_holds_nothing(void **state)
{
    (void)state;
    xt_ptrmap map = {0};
    assert_null(xt_ptrmap_get(&map, key_of(0)));
    assert_false(xt_ptrmap_remove(&map, key_of(0)));
    xt_ptrmap_clear(&map);
    xt_ptrmap_fini(&map);
}

static void
random_steps_agree_with_an_array(void **state)
{
    (void)state;
    xt_ptrmap map = {0};
    void *twin[KEYS] = {0};
    uint32_t random = 12345;
    for (size_t step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        size_t i = (random >> 8) % KEYS;
        if (random >> 31) {
            void *value = &twin[(random >> 4) % KEYS];
            assert_int_equal(XT_OK, xt_ptrmap_set(&map, key_of(i), value));
            twin[i] = value;
        }
        else {
            assert_int_equal(twin[i] != NULL,
                             xt_ptrmap_remove(&map, key_of(i)));
            twin[i] = NULL;
        }
        if (step % 1000 == 0) {
            assert_same(&map, twin);
        }
    }
    assert_same(&map, twin);
    xt_ptrmap_clear(&map);
    assert_null(xt_ptrmap_get(&map, key_of(1)));
    xt_ptrmap_fini(&map);
}

static void
a_failed_allocation_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    for (long successes = 0; successes < 6; successes++) {
        xt_ptrmap map = {0};
        void *twin[KEYS] = {0};
        xt_mem_fail_after(successes);
        for (size_t i = 0; i < KEYS; i++) {
            if (xt_ptrmap_set(&map, key_of(i), &twin[i]) == XT_OK) {
                twin[i] = &twin[i];
            }
        }
        xt_mem_fail_after(-1);
        assert_same(&map, twin);
        assert_int_equal(XT_OK, xt_ptrmap_set(&map, key_of(0), &map));
        assert_ptr_equal(&map, xt_ptrmap_get(&map, key_of(0)));
        xt_ptrmap_fini(&map);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_holds_nothing),
        cmocka_unit_test(random_steps_agree_with_an_array),
        cmocka_unit_test(a_failed_allocation_leaves_the_map_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
