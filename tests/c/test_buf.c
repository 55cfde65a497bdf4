// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "buf.h"
#include "mem.h"

static void
what_was_appended_is_there(void **state)
{
    (void)state;
    xt_buf buf = {0};
    char twin[3000];
    for (size_t i = 0; i < sizeof(twin) / 3; i++) {
        memcpy(twin + 3 * i, "abc", 3);
        twin[3 * i] = (char)i;
        assert_int_equal(XT_OK, xt_buf_append(&buf, twin + 3 * i, 3));
    }
    assert_int_equal(sizeof(twin), buf.len);
    assert_memory_equal(twin, buf.bytes, buf.len);
    assert_int_equal(XT_OK, xt_buf_append(&buf, NULL, 0));
    assert_int_equal(sizeof(twin), buf.len);
    xt_buf_fini(&buf);
    assert_null(buf.bytes);
}

static void
a_size_that_overflows_is_out_of_memory(void **state)
{
    (void)state;
    xt_buf buf = {0};
    assert_int_equal(XT_OK, xt_buf_append(&buf, "abc", 3));
    assert_int_equal(XT_NOMEM, xt_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(XT_NOMEM, xt_buf_reserve(&buf, SIZE_MAX - 3));
    assert_int_equal(3, buf.len);
    assert_memory_equal("abc", buf.bytes, 3);
    xt_buf_fini(&buf);
}

static void
a_failed_allocation_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    xt_buf buf = {0};
    xt_mem_fail_after(1);
    size_t appended = 0;
    while (xt_buf_append(&buf, "abc", 3) == XT_OK) {
        appended += 3;
    }
    assert_true(appended >= 6);
    assert_int_equal(appended, buf.len);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_OK, xt_buf_append(&buf, "xyz", 3));
    assert_memory_equal("abcxyz", buf.bytes + appended - 3, 6);
    xt_buf_fini(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_there),
        cmocka_unit_test(a_size_that_overflows_is_out_of_memory),
        cmocka_unit_test(a_failed_allocation_leaves_the_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
