// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "pickle_read.h"
#include "pickle_write.h"
#include "same_tally.h"

static uint32_t
intern(xt_tally *tally, const char *text)
{
    uint32_t id = 0;
    assert_int_equal(
        XT_OK, xt_strtab_intern(&tally->strings, text, strlen(text), &id));
    return id;
}

static uint32_t
function(xt_tally *tally, const char *file, const char *module,
         const char *name)
{
    uint32_t number = 0;
    uint32_t module_id =
        module == NULL ? XT_STRTAB_NONE : intern(tally, module);
    assert_int_equal(
        XT_OK, xt_tally_function_number(tally, intern(tally, file), module_id,
                                        intern(tally, name), &number));
    return number;
}

/* Rows of every kind, so many that batches are full and memo numbers need
   more than a byte. */
static void
fill(xt_tally *tally, uint32_t n)
{
    static const int64_t numbers[] = {
        0, 255, 256, 65535, 65536, INT32_MAX, INT64_C(1) << 31, INT64_MAX,
    };
    char name[32];
    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "file%u.py", i / 3);
        uint32_t file = intern(tally, name);
        assert_int_equal(XT_OK,
                         xt_tally_set_count(tally, file, i, numbers[i % 8]));
        assert_int_equal(XT_OK,
                         xt_tally_set_count(tally, file, -numbers[i % 8], i));
        uint32_t caller = function(tally, name, NULL, "<module>");
        (void)snprintf(name, sizeof(name), "function%u", i);
        uint32_t callee = function(tally, "x.py", "x", name);
        assert_int_equal(XT_OK, xt_tally_add_call(tally, caller, callee));
        if (i % 2 == 0) {
            xt_tally_set_called(tally, callee);
        }
    }
}

static void
assert_reads_back(const xt_tally *tally, const xt_buf *file)
{
    xt_tally again = {0};
    xt_pickle_fault fault = {0};
    assert_int_equal(XT_OK, xt_pickle_read((const uint8_t *)file->bytes,
                                           file->len, &again, &fault));
    assert_true(same_tally(tally, &again));
    xt_tally_fini(&again);
}

static void
an_empty_tally_is_three_empty_dicts(void **state)
{
    (void)state;
    xt_tally tally = {0};
    xt_buf out = {0};
    assert_int_equal(XT_OK, xt_pickle_write(&tally, &out));
    assert_int_equal(6, out.len);
    assert_memory_equal("(}}}t.", out.bytes, 6);
    xt_buf_fini(&out);
}

static void
strings_and_functions_are_written_once(void **state)
{
    (void)state;
    static const char expected[] = "(}((X\1\0\0\0fq\0K\1tK\2(h\0K\2tK\3u"
                                   "}((h\0Nh\0tq\1K\1u"
                                   "}((h\1h\1tK\1ut.";
    xt_tally tally = {0};
    uint32_t f = function(&tally, "f", NULL, "f");
    xt_tally_set_called(&tally, f);
    assert_int_equal(XT_OK, xt_tally_add_call(&tally, f, f));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, 1, 1, 2));
    assert_int_equal(XT_OK, xt_tally_set_count(&tally, 1, 2, 3));
    xt_buf out = {0};
    assert_int_equal(XT_OK, xt_pickle_write(&tally, &out));
    assert_int_equal(sizeof(expected) - 1, out.len);
    assert_memory_equal(expected, out.bytes, out.len);
    xt_buf_fini(&out);
    xt_tally_fini(&tally);
}

static void
what_is_written_reads_back_equal(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {1, 2, 8, 499, 500, 501, 3000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        xt_tally tally = {0};
        fill(&tally, sizes[i]);
        xt_buf out = {0};
        assert_int_equal(XT_OK, xt_pickle_write(&tally, &out));
        assert_reads_back(&tally, &out);
        xt_buf_fini(&out);
        xt_tally_fini(&tally);
    }
}

static void
a_failed_allocation_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    xt_tally tally = {0};
    fill(&tally, 50);
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_buf out = {0};
        assert_int_equal(XT_OK, xt_buf_append(&out, "before", 6));
        xt_mem_fail_after(successes);
        status = xt_pickle_write(&tally, &out);
        xt_mem_fail_after(-1);
        if (status != XT_OK) {
            assert_int_equal(XT_NOMEM, status);
            assert_int_equal(6, out.len);
            assert_int_equal(XT_OK, xt_pickle_write(&tally, &out));
        }
        assert_memory_equal("before", out.bytes, 6);
        memmove(out.bytes, out.bytes + 6, out.len - 6);
        out.len -= 6;
        assert_reads_back(&tally, &out);
        xt_buf_fini(&out);
        assert_true(successes < 100);
    }
    xt_tally_fini(&tally);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_tally_is_three_empty_dicts),
        cmocka_unit_test(strings_and_functions_are_written_once),
        cmocka_unit_test(what_is_written_reads_back_equal),
        cmocka_unit_test(a_failed_allocation_leaves_the_buffer_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
