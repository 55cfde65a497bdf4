// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "pickle_read.h"
#include "same_tally.h"

/* What Python's pickler writes for
   ({("a.py", 1): 5, ("a.py", 300): 70000, ("", -2): 2**40},
    {("a.py", None, "f"): 1}, {(that, that): 1}). */
static const char protocol_1[] =
    "(}q\x00("
    "(X\x04\0\0\0"
    "a.pyq\x01K\x01tq\x02K\x05"
    "(h\x01M\x2c\x01tq\x03J\x70\x11\x01\0"
    "(X\0\0\0\0q\x04J\xfe\xff\xff\xfftq\x05L1099511627776L\n"
    "u}q\x06(h\x01NX\x01\0\0\0fq\x07tq\x08K\x01s"
    "}q\x09(h\x08h\x08tq\x0aK\x01stq\x0b.";
static const char protocol_4[] =
    "\x80\x04\x95\x49\0\0\0\0\0\0\0}\x94("
    "\x8c\x04"
    "a.py\x94K\x01\x86\x94K\x05"
    "h\x01M\x2c\x01\x86\x94J\x70\x11\x01\0"
    "\x8d\0\0\0\0\0\0\0\0\x94J\xfe\xff\xff\xff\x86\x94\x8a\x06\0\0\0\0\0\x01"
    "u}\x94h\x01N\x8c\x01"
    "f\x94\x87\x94K\x01s"
    "}\x94j\x08\0\0\0h\x08\x86\x94K\x01s\x87\x94.";

#define SIZE(literal) (sizeof(literal) - 1)

/* Reads a copy that ends where its memory ends, for the sanitizer. */
static xt_status
read_copy(const char *bytes, size_t len, xt_tally *out, xt_pickle_fault *fault)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    xt_status status = xt_pickle_read(copy, len, out, fault);
    free(copy);
    return status;
}

static void
assert_empty(const xt_tally *tally)
{
    static const xt_tally empty = {0};
    assert_memory_equal(&empty, tally, sizeof(empty));
}

static void
check_refused(const char *bytes, size_t len, xt_status status, size_t offset,
              const char *what)
{
    xt_tally tally = {0};
    xt_pickle_fault fault = {0};
    assert_int_equal(status, read_copy(bytes, len, &tally, &fault));
    assert_string_equal(what, fault.what);
    assert_int_equal(offset, fault.offset);
    assert_empty(&tally);
}

#define REFUSED(literal, status, offset, what)                                \
    check_refused("" literal, SIZE(literal), status, offset, what)

static void
check_sample(const char *bytes, size_t len)
{
    xt_tally tally = {0};
    xt_pickle_fault fault = {0};
    xt_status status = read_copy(bytes, len, &tally, &fault);
    assert_ptr_equal(NULL, fault.what);
    assert_int_equal(XT_OK, status);
    assert_int_equal(3, tally.strings.count); /* a.py, the empty one, f */
    assert_int_equal(3, tally.ncounts);
    assert_int_equal(5, xt_tally_get_count(&tally, 1, 1));
    assert_int_equal(70000, xt_tally_get_count(&tally, 1, 300));
    assert_int_equal(INT64_C(1) << 40, xt_tally_get_count(&tally, 2, -2));
    assert_int_equal(1, tally.nfunctions);
    assert_int_equal(XT_STRTAB_NONE, tally.functions[0].module);
    assert_int_equal(1, tally.functions[0].called);
    assert_int_equal(1, tally.ncalls);
    xt_tally_fini(&tally);
}

static void
a_file_of_the_standard_module_is_read(void **state)
{
    (void)state;
    check_sample(protocol_1, SIZE(protocol_1));
    check_sample(protocol_4, SIZE(protocol_4));
}

static void
three_empty_dicts_are_an_empty_tally(void **state)
{
    (void)state;
    static const char *const files[] = {"(}}}t.", "(}q0h0h0t."};
    for (size_t i = 0; i < 2; i++) {
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        char file[16];
        size_t len = strlen(files[i]);
        memcpy(file, files[i], len);
        for (size_t k = 0; k < len; k++) {
            file[k] = file[k] == '0' ? '\0' : file[k];
        }
        assert_int_equal(XT_OK, read_copy(file, len, &tally, &fault));
        assert_empty(&tally);
    }
}

static void
of_equal_keys_the_last_wins(void **state)
{
    (void)state;
    static const char file[] = "(}((X\1\0\0\0aK\1tK\5(X\1\0\0\0aK\1tK\6u}}t.";
    xt_tally tally = {0};
    xt_pickle_fault fault = {0};
    assert_int_equal(XT_OK, read_copy(file, SIZE(file), &tally, &fault));
    assert_int_equal(1, tally.ncounts);
    assert_int_equal(6, xt_tally_get_count(&tally, 1, 1));
    xt_tally_fini(&tally);
}

static void
integers_of_64_bits_are_read_and_larger_ones_refused(void **state)
{
    (void)state;
#define FILE_WITH(line) "(}(X\1\0\0\0a" line "tK\1s}}t."
    static const struct {
        const char *file;
        size_t len;
        int64_t line;
    } good[] = {
#define GOOD(line, value) {FILE_WITH(line), SIZE(FILE_WITH(line)), value}
        GOOD("L9223372036854775807L\n", INT64_MAX),
        GOOD("L-9223372036854775808L\n", INT64_MIN),
        GOOD("L-1L\n", -1),
        GOOD("L0L\n", 0),
        GOOD("\x8a\0", 0),
        GOOD("\x8a\1\xff", -1),
        GOOD("\x8a\2\xff\0", 255),
        GOOD("\x8a\x8\0\0\0\0\0\0\0\x80", INT64_MIN),
        GOOD("K\xff", 255),
        GOOD("M\xff\xff", 65535),
        GOOD("J\0\0\0\x80", INT32_MIN),
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        assert_int_equal(XT_OK,
                         read_copy(good[i].file, good[i].len, &tally, &fault));
        assert_int_equal(1, xt_tally_get_count(&tally, 1, good[i].line));
        xt_tally_fini(&tally);
    }
    static const char big[] = "an integer of more than 64 bits";
    REFUSED(FILE_WITH("L9223372036854775808L\n"), XT_UNSUPPORTED, 9, big);
    REFUSED(FILE_WITH("L-9223372036854775809L\n"), XT_UNSUPPORTED, 9, big);
    REFUSED(FILE_WITH("L99999999999999999999L\n"), XT_UNSUPPORTED, 9, big);
    REFUSED(FILE_WITH("\x8a\x9\0\0\0\0\0\0\0\0\1"), XT_UNSUPPORTED, 9, big);
    REFUSED(FILE_WITH("LL\n"), XT_CORRUPT, 9, "a malformed integer");
    REFUSED(FILE_WITH("L-L\n"), XT_CORRUPT, 9, "a malformed integer");
    REFUSED(FILE_WITH("L1\n"), XT_CORRUPT, 9, "a malformed integer");
    REFUSED(FILE_WITH("L1LL\n"), XT_CORRUPT, 9, "a malformed integer");
    REFUSED(FILE_WITH("L 1L\n"), XT_CORRUPT, 9, "a malformed integer");
}

static void
no_opcode_that_runs_code_is_carried_out(void **state)
{
    (void)state;
    REFUSED("cos\nsystem\n(S'true'\ntR.", XT_UNSUPPORTED, 0,
            "opcode 'c' (GLOBAL) would run code");
    REFUSED("\x80\x04\x8c\2os\x8c\6system\x93.", XT_UNSUPPORTED, 14,
            "opcode 0x93 (STACK_GLOBAL) would run code");
    REFUSED("(ios\nsystem\n.", XT_UNSUPPORTED, 1,
            "opcode 'i' (INST) would run code");
    static const unsigned char running[] = {
        'c', 'R', 'b', 'i', 'o', 'P', 'Q', 0x81, 0x82, 0x83, 0x84, 0x92, 0x93};
    for (size_t i = 0; i < sizeof(running); i++) {
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        char file[] = {'}', (char)running[i], '.'};
        assert_int_equal(XT_UNSUPPORTED, read_copy(file, 3, &tally, &fault));
        assert_int_equal(1, fault.offset);
        assert_non_null(strstr(fault.what, "would run code"));
    }
}

/* The opcodes that the reader knows, all others being refused. */
static const unsigned char known[] = {
    '(', '.', 'J', 'K', 'M',  'L',  'N',  'X',  'h',  'j',  'q',  'r',
    's', 'u', 't', '}', 0x80, 0x86, 0x87, 0x8a, 0x8c, 0x8d, 0x94, 0x95,
};

static void
every_other_byte_is_refused_as_an_opcode(void **state)
{
    (void)state;
    size_t nrefused = 0;
    for (int op = 0; op < 256; op++) {
        if (memchr(known, op, sizeof(known)) != NULL) {
            continue;
        }
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        char file[16] = {'}', (char)op};
        xt_status status = read_copy(file, sizeof(file), &tally, &fault);
        assert_int_equal(1, fault.offset);
        assert_int_equal(strcmp(fault.what, "no pickle opcode") == 0
                             ? XT_CORRUPT
                             : XT_UNSUPPORTED,
                         status);
        nrefused++;
    }
    assert_int_equal(256 - 24, nrefused);
}

static void
other_shapes_are_refused(void **state)
{
    (void)state;
    static const char tuple[] = "a tuple that no counts file holds";
    static const char key[] = "a key that no counts file holds";
    static const char shape[] = "not a tuple of three dicts";
    REFUSED("N.", XT_UNSUPPORTED, 1, shape);
    REFUSED("}.", XT_UNSUPPORTED, 1, shape);
    REFUSED(".", XT_UNSUPPORTED, 0, shape);
    REFUSED("(}}}t(.", XT_UNSUPPORTED, 6, shape);
    REFUSED("N(}}}t.", XT_UNSUPPORTED, 6, shape);
    REFUSED("(}}t.", XT_UNSUPPORTED, 3, tuple);
    REFUSED("(}}NNt.", XT_UNSUPPORTED, 5, tuple);
    REFUSED("((}}}t(}}}t.", XT_UNSUPPORTED, 7, "more than three dicts");
    REFUSED("(K\1K\2t.", XT_UNSUPPORTED, 5, tuple);
    REFUSED("(NK\2t.", XT_UNSUPPORTED, 4, tuple);
    REFUSED("(NNNt.", XT_UNSUPPORTED, 4, tuple);
    REFUSED("}K\1K\2s.", XT_UNSUPPORTED, 5, key);
    REFUSED("}}K\2s.", XT_UNSUPPORTED, 4, key);
#define LINE "(X\1\0\0\0aK\1t"
#define FUNCTION "(X\1\0\0\0aNX\1\0\0\0at"
    REFUSED("(}}" LINE "K\1s}t.", XT_UNSUPPORTED, 17, tuple);
    REFUSED("(}" FUNCTION "K\1s}}t.", XT_UNSUPPORTED, 22, tuple);
    REFUSED("}(" LINE "K\1" FUNCTION "K\1u.", XT_UNSUPPORTED, 31,
            "a dict with keys of two kinds");
    REFUSED("}" LINE "Ns.", XT_UNSUPPORTED, 12, "a count that is no integer");
    REFUSED("}" LINE "J\xff\xff\xff\xffs.", XT_UNSUPPORTED, 16,
            "a count below zero");
    REFUSED("(" FUNCTION LINE "t.", XT_UNSUPPORTED, 26, tuple);
}

static void
a_broken_stack_or_memo_is_corrupt(void **state)
{
    (void)state;
    static const char few[] = "too few values on the stack";
    REFUSED("t", XT_CORRUPT, 0, "no mark on the stack");
    REFUSED("u", XT_CORRUPT, 0, "no mark on the stack");
    REFUSED("\x86", XT_CORRUPT, 0, few);
    REFUSED("N(\x86", XT_CORRUPT, 2, few);
    REFUSED("}s", XT_CORRUPT, 1, few);
    REFUSED("NNs", XT_CORRUPT, 2, "no dict under its items");
    REFUSED("}(NNs", XT_CORRUPT, 4, "no dict under its items");
    REFUSED("N(NNu", XT_CORRUPT, 4, "no dict under its items");
    REFUSED("}(Nu", XT_CORRUPT, 3, "a dict key without a value");
    REFUSED("q\0", XT_CORRUPT, 0, few);
    REFUSED("(\x94", XT_CORRUPT, 1, few);
    REFUSED("Nq\1", XT_UNSUPPORTED, 1, "memo numbers out of order");
    REFUSED("Nr\0\0\0\x80", XT_UNSUPPORTED, 1, "memo numbers out of order");
    REFUSED("h\0", XT_CORRUPT, 0, "a memo number that was never set");
    REFUSED("Nq\0j\1\0\0\0", XT_CORRUPT, 3,
            "a memo number that was never set");
    REFUSED("N\x80\4", XT_CORRUPT, 1, "a protocol number inside the file");
    REFUSED("\x80\6", XT_UNSUPPORTED, 0, "an unknown pickle protocol");
    REFUSED("\x80\1", XT_UNSUPPORTED, 0, "an unknown pickle protocol");
    REFUSED("X\1\0\0\0\xff", XT_CORRUPT, 0, "text that is not UTF-8");
    REFUSED("(}}}t..", XT_CORRUPT, 6, "more bytes after the end");
}

static void
lengths_beyond_the_end_are_not_believed(void **state)
{
    (void)state;
    static const char early[] = "the file ends too early";
    REFUSED("X\xff\xff\xff\xff", XT_CORRUPT, 0, early);
    REFUSED("X\5\0\0\0abcd", XT_CORRUPT, 0, early);
    REFUSED("\x8c\2a", XT_CORRUPT, 0, early);
    REFUSED("\x8d\xff\xff\xff\xff\xff\xff\xff\xff", XT_CORRUPT, 0, early);
    REFUSED("\x95\xff\xff\xff\xff\xff\xff\xff\xff", XT_CORRUPT, 0, early);
    REFUSED("\x95\1\0\0\0\0\0\0\0", XT_CORRUPT, 0, early);
    REFUSED("\x8a\xff\1", XT_CORRUPT, 0, early);
    REFUSED("", XT_CORRUPT, 0, early);
}

static void
a_file_cut_anywhere_is_corrupt(void **state)
{
    (void)state;
    for (size_t len = 0; len < SIZE(protocol_1); len++) {
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        assert_int_equal(XT_CORRUPT,
                         read_copy(protocol_1, len, &tally, &fault));
        assert_non_null(fault.what);
        assert_in_range(fault.offset, 0, len);
        assert_empty(&tally);
    }
    for (size_t len = 0; len < SIZE(protocol_4); len++) {
        xt_tally tally = {0};
        xt_pickle_fault fault = {0};
        assert_int_equal(XT_CORRUPT,
                         read_copy(protocol_4, len, &tally, &fault));
        assert_empty(&tally);
    }
}

static void
any_changed_byte_ends_in_a_result_or_an_error(void **state)
{
    (void)state;
    char file[sizeof(protocol_1)];
    for (size_t i = 0; i < SIZE(protocol_1); i++) {
        memcpy(file, protocol_1, sizeof(file));
        for (int byte = 0; byte < 256; byte++) {
            xt_tally tally = {0};
            xt_pickle_fault fault = {0};
            file[i] = (char)byte;
            xt_status status =
                read_copy(file, SIZE(protocol_1), &tally, &fault);
            assert_int_equal(status == XT_OK, fault.what == NULL);
            xt_tally_fini(&tally);
        }
    }
}

static void
a_failed_allocation_leaves_the_tally_empty(void **state)
{
    (void)state;
    xt_status status = XT_NOMEM;
    xt_tally whole = {0};
    xt_pickle_fault fault = {0};
    assert_int_equal(XT_OK,
                     read_copy(protocol_1, SIZE(protocol_1), &whole, &fault));
    for (long successes = 0; status != XT_OK; successes++) {
        xt_tally tally = {0};
        xt_mem_fail_after(successes);
        status = read_copy(protocol_1, SIZE(protocol_1), &tally, &fault);
        xt_mem_fail_after(-1);
        if (status != XT_OK) {
            assert_int_equal(XT_NOMEM, status);
            assert_string_equal("too little memory", fault.what);
            assert_empty(&tally);
            assert_int_equal(XT_OK, read_copy(protocol_1, SIZE(protocol_1),
                                              &tally, &fault));
        }
        assert_true(same_tally(&whole, &tally));
        xt_tally_fini(&tally);
        assert_true(successes < 1000);
    }
    xt_tally_fini(&whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_the_standard_module_is_read),
        cmocka_unit_test(three_empty_dicts_are_an_empty_tally),
        cmocka_unit_test(of_equal_keys_the_last_wins),
        cmocka_unit_test(integers_of_64_bits_are_read_and_larger_ones_refused),
        cmocka_unit_test(no_opcode_that_runs_code_is_carried_out),
        cmocka_unit_test(every_other_byte_is_refused_as_an_opcode),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(a_broken_stack_or_memo_is_corrupt),
        cmocka_unit_test(lengths_beyond_the_end_are_not_believed),
        cmocka_unit_test(a_file_cut_anywhere_is_corrupt),
        cmocka_unit_test(any_changed_byte_ends_in_a_result_or_an_error),
        cmocka_unit_test(a_failed_allocation_leaves_the_tally_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
