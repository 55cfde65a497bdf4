// SPDX-License-Identifier: Apache-2.0
/* The compiled files here are put together by hand; tests/py holds the reader
   against marshal. */
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "pyc.h"

static void
put(xt_buf *out, const char *bytes, size_t len)
{
    assert_int_equal(XT_OK, xt_buf_append(out, bytes, len));
}

static void
put_u32(xt_buf *out, uint32_t value)
{
    char bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (char)(value >> 8 * i & 0xff);
    }
    put(out, bytes, 4);
}

/* Everything of a code object up to its constants. */
static void
put_code_start(xt_buf *out)
{
    put(out, "\xe3", 1);
    for (uint32_t i = 0; i < 5; i++) {
        put_u32(out, i);
    }
    put(out, "s\x02\0\0\0\x97\x00", 7);
}

/* Everything behind its constants; `table` is a whole object. */
static void
put_code_end(xt_buf *out, uint32_t first_line, const char *table, size_t len)
{
    put(out, ")\x00", 2);                 /* names */
    put(out, "(\x01\0\0\0i\7\0\0\0", 10); /* a big tuple, a number */
    put(out, "s\0\0\0\0", 5);
    put(out,
        "\xda\x04"
        "f.py",
        6); /* a flagged short string */
    put(out, "z\x01m", 3);
    put(out, "u\x02\0\0\0\xc3\xa4", 7);
    put_u32(out, first_line);
    put(out, table, len);
    put(out, "s\0\0\0\0", 5);
}

/* A module on line 1 with a function on line 20 and some constants. */
static xt_buf
small_file(const char *constants, size_t len, unsigned char n_constants)
{
    static const char header[16] = {0};
    xt_buf out = {0};
    put(&out, header, sizeof(header));
    put_code_start(&out);
    char n[2] = {')', (char)(n_constants + 1)};
    put(&out, n, 2);
    put_code_start(&out);
    put(&out, "N", 1);
    put_code_end(&out, 20, "s\x03\0\0\0\xe8\x00\xf8", 8);
    put(&out, constants, len);
    put_code_end(&out, 1, "s\x04\0\0\0\xe8\x00\xe8\x04", 9);
    return out;
}

static xt_status
collect(const xt_buf *file, size_t len, xt_location_lines *found)
{
    char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, file->bytes, len);
    xt_status status = xt_pyc_collect(copy, len, found);
    free(copy);
    return status;
}

static void
assert_lines(const xt_location_lines *found)
{
    static const size_t lines[] = {1, 3, 20};
    size_t line = 0;
    for (size_t i = 0; i < 3; i++, line++) {
        assert_true(xt_bitset_next(&found->lines, &line));
        assert_int_equal(lines[i], line);
    }
    assert_false(xt_bitset_next(&found->lines, &line));
    assert_true(found->has_gap);
}

/* One of each type of constant that a compiler writes. */
static const char constants[] = "N"
                                "F"
                                "T"
                                "."
                                "g\0\0\0\0\0\0\xf0\x3f"
                                "y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\xec\xfd\xff\xff\xff\1\0\2\0\3\0"
                                "\xe1\1\0\0\0x"
                                "\xbe\1\0\0\0i\0\0\0\0"
                                ":NNN"
                                "r\0\0\0\0";
enum { N_CONSTANTS = 11 };

static void
lines_of_nested_code_are_found_among_all_constants(void **state)
{
    (void)state;
    xt_buf file = small_file(constants, sizeof(constants) - 1, N_CONSTANTS);
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_OK, collect(&file, file.len, &found));
    assert_lines(&found);
    xt_bitset_fini(&found.lines);
    xt_buf_fini(&file);
}

static void
a_table_that_occurs_twice_is_found_by_its_number(void **state)
{
    (void)state;
    static const char header[16] = {0};
    xt_buf file = {0};
    put(&file, header, sizeof(header));
    put_code_start(&file); /* number 0 */
    put(&file, ")\x01", 2);
    put_code_start(&file); /* number 1 */
    put(&file, "N", 1);
    put_code_end(&file, 20, "\xf3\x02\0\0\0\xe8\x04", 7); /* 2 is f.py, 3 */
    put_code_end(&file, 1, "r\x03\0\0\0", 5);
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_OK, collect(&file, file.len, &found));
    assert_true(xt_bitset_has(&found.lines, 22));
    assert_true(xt_bitset_has(&found.lines, 3));
    xt_bitset_fini(&found.lines);
    /* Number 2 is a string, and there is no number 9. */
    for (char wrong = 2; wrong < 10; wrong = (char)(wrong + 7)) {
        file.bytes[file.len - 9] = wrong;
        found = (xt_location_lines){.limit = 100};
        assert_int_equal(XT_CORRUPT, collect(&file, file.len, &found));
        xt_bitset_fini(&found.lines);
    }
    xt_buf_fini(&file);
}

static void
every_cut_off_file_is_refused(void **state)
{
    (void)state;
    xt_buf file = small_file(constants, sizeof(constants) - 1, N_CONSTANTS);
    for (size_t len = 0; len < file.len; len++) {
        xt_location_lines found = {.limit = 100};
        assert_int_equal(XT_CORRUPT, collect(&file, len, &found));
        xt_bitset_fini(&found.lines);
    }
    xt_buf_fini(&file);
}

static void
an_unknown_type_is_not_supported(void **state)
{
    (void)state;
    xt_buf file = small_file("?", 1, 1);
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_UNSUPPORTED, collect(&file, file.len, &found));
    xt_bitset_fini(&found.lines);
    xt_buf_fini(&file);
}

static void
deep_nesting_ends_in_an_error(void **state)
{
    (void)state;
    char deep[200000];
    for (size_t i = 0; i < sizeof(deep); i += 2) {
        deep[i] = ')';
        deep[i + 1] = 1;
    }
    xt_buf file = small_file(deep, sizeof(deep), 1);
    xt_location_lines found = {.limit = 100};
    assert_int_equal(XT_UNSUPPORTED, collect(&file, file.len, &found));
    xt_bitset_fini(&found.lines);
    xt_buf_fini(&file);
}

static void
failed_allocations_are_reported(void **state)
{
    (void)state;
    xt_buf file = small_file(constants, sizeof(constants) - 1, N_CONSTANTS);
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_location_lines found = {.limit = 100};
        xt_mem_fail_after(successes);
        status = collect(&file, file.len, &found);
        xt_mem_fail_after(-1);
        assert_true(status == XT_OK || status == XT_NOMEM);
        if (status == XT_OK) {
            assert_lines(&found);
        }
        xt_bitset_fini(&found.lines);
    }
    xt_buf_fini(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_nested_code_are_found_among_all_constants),
        cmocka_unit_test(a_table_that_occurs_twice_is_found_by_its_number),
        cmocka_unit_test(every_cut_off_file_is_refused),
        cmocka_unit_test(an_unknown_type_is_not_supported),
        cmocka_unit_test(deep_nesting_ends_in_an_error),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
