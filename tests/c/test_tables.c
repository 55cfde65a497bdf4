// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "mem.h"
#include "tables.h"

static const uint8_t NUMBERS[48] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 255};
static const xt_section SECTIONS[] = {
    {.kind = 7, .columns = 3, .bytes = NUMBERS, .len = 48},
    {.kind = 8, .columns = 0, .bytes = (const uint8_t *)"text", .len = 4},
    {.kind = 9, .columns = 2, .bytes = NULL, .len = 0},
};
enum { COUNT = 3 };

static void
write_file(xt_buf *file)
{
    assert_int_equal(XT_OK, xt_tables_write(SECTIONS, COUNT, file));
}

static xt_status
read_bytes(const char *bytes, size_t len, xt_tables_fault *fault)
{
    xt_section *sections;
    size_t count;
    /* A copy of just that size, so that reading too far is seen. */
    uint8_t *copy = xt_malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    xt_status status = xt_tables_read(copy, len, &sections, &count, fault);
    xt_free(sections);
    xt_free(copy);
    return status;
}

static void
what_is_written_is_read(void **state)
{
    (void)state;
    xt_buf file = {0};
    write_file(&file);
    assert_int_equal(file.len % 8, 0);
    xt_section *sections;
    size_t count;
    xt_tables_fault fault = {0};
    assert_int_equal(XT_OK,
                     xt_tables_read((const uint8_t *)file.bytes, file.len,
                                    &sections, &count, &fault));
    assert_int_equal(count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(sections[i].kind, SECTIONS[i].kind);
        assert_int_equal(sections[i].columns, SECTIONS[i].columns);
        assert_int_equal(sections[i].len, SECTIONS[i].len);
        if (sections[i].len > 0) {
            assert_memory_equal(sections[i].bytes, SECTIONS[i].bytes,
                                SECTIONS[i].len);
        }
    }
    xt_free(sections);
    xt_buf_fini(&file);
}

/* The layout is a promise: a file of two versions of the program is the same.
 */
static void
the_bytes_are_those_of_the_documentation(void **state)
{
    (void)state;
    xt_buf file = {0};
    write_file(&file);
    const uint8_t *bytes = (const uint8_t *)file.bytes;
    static const uint8_t begin[] = {0x89, 'E', 'X', 'T', 13, 10, 26, 10,
                                    1,    0,   0,   0,   3,  0,  0,  0,
                                    216,  0,   0,   0,   0,  0,  0,  0};
    assert_int_equal(file.len, 216);
    assert_memory_equal(bytes, begin, sizeof(begin));
    static const uint8_t entry[] = {7, 0, 0, 0, 3,  0, 0, 0, 160, 0, 0, 0,
                                    0, 0, 0, 0, 48, 0, 0, 0, 0,   0, 0, 0};
    assert_memory_equal(bytes + 40, entry, sizeof(entry));
    assert_memory_equal(bytes + 160, NUMBERS, 48);
    assert_memory_equal(bytes + 208, "text\0\0\0\0", 8);
    xt_buf_fini(&file);
}

static void
every_cut_is_noticed(void **state)
{
    (void)state;
    xt_buf file = {0};
    write_file(&file);
    for (size_t len = 0; len < file.len; len++) {
        xt_tables_fault fault = {0};
        assert_int_equal(XT_CORRUPT, read_bytes(file.bytes, len, &fault));
        assert_non_null(fault.what);
        assert_true(fault.offset <= len);
    }
    xt_buf_fini(&file);
}

static void
every_changed_byte_is_noticed(void **state)
{
    (void)state;
    xt_buf file = {0};
    write_file(&file);
    for (size_t i = 0; i < file.len; i++) {
        /* Reserved numbers and padding mean nothing. */
        int reserved = (i >= 32 && i < 40) || i >= 212;
        file.bytes[i] ^= 64;
        xt_tables_fault fault = {0};
        xt_status status = read_bytes(file.bytes, file.len, &fault);
        if (reserved) {
            assert_int_equal(XT_OK, status);
        }
        else {
            assert_true(status == XT_CORRUPT || status == XT_UNSUPPORTED);
        }
        assert_int_equal(i >= 8 && i < 12, status == XT_UNSUPPORTED);
        file.bytes[i] ^= 64;
    }
    xt_buf_fini(&file);
}

static void
what_no_file_can_hold_is_refused(void **state)
{
    (void)state;
    static const xt_section broken[] = {
        {.kind = 1, .columns = 2, .bytes = NUMBERS, .len = 24},
        {.kind = 1, .columns = 65, .bytes = NUMBERS, .len = 0},
        {.kind = 1, .columns = 0, .bytes = NUMBERS, .len = UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        xt_buf file = {0};
        assert_int_equal(XT_UNSUPPORTED,
                         xt_tables_write(&broken[i], 1, &file));
        assert_int_equal(file.len, 0);
        xt_buf_fini(&file);
    }
    xt_buf file = {0};
    assert_int_equal(
        XT_UNSUPPORTED,
        xt_tables_write(SECTIONS, XT_TABLES_MAX_SECTIONS + 1, &file));
    xt_buf_fini(&file);
}

#ifdef XT_FAILING_ALLOC
static void
no_memory_is_said(void **state)
{
    (void)state;
    xt_buf file = {0};
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM, xt_tables_write(SECTIONS, COUNT, &file));
    xt_mem_fail_after(-1);
    write_file(&file);
    xt_section *sections;
    size_t count;
    xt_tables_fault fault;
    xt_mem_fail_after(0);
    assert_int_equal(XT_NOMEM,
                     xt_tables_read((const uint8_t *)file.bytes, file.len,
                                    &sections, &count, &fault));
    xt_mem_fail_after(-1);
    assert_null(sections);
    xt_buf_fini(&file);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_bytes_are_those_of_the_documentation),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(what_no_file_can_hold_is_refused),
#ifdef XT_FAILING_ALLOC
        cmocka_unit_test(no_memory_is_said),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
