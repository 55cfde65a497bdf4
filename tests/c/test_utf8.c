// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include "utf8.h"

static int
is_valid(const char *bytes, size_t len)
{
    return xt_utf8_is_valid((const uint8_t *)bytes, len);
}

#define VALID(text) is_valid("" text, sizeof(text) - 1)

static void
sequences_of_one_to_four_bytes_are_valid(void **state)
{
    (void)state;
    assert_true(VALID(""));
    assert_true(VALID("abc"));
    assert_true(is_valid("a\0b", 3));
    assert_true(VALID("\xC2\x80\xDF\xBF"));
    assert_true(VALID("\xE0\xA0\x80\xEF\xBF\xBF"));
    assert_true(VALID("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

static void
lone_surrogates_are_valid(void **state)
{
    (void)state;
    assert_true(VALID("\xED\xA0\x80"));
    assert_true(VALID("x\xED\xB3\xBFy"));
}

static void
what_no_encoder_writes_is_invalid(void **state)
{
    (void)state;
    assert_false(VALID("\x80"));             /* no beginning */
    assert_false(VALID("\xC1\xBF"));         /* longer than needed */
    assert_false(VALID("\xE0\x9F\xBF"));     /* longer than needed */
    assert_false(VALID("\xF0\x8F\xBF\xBF")); /* longer than needed */
    assert_false(VALID("\xF4\x90\x80\x80")); /* beyond U+10FFFF */
    assert_false(VALID("\xF5\x80\x80\x80"));
    assert_false(VALID("\xFF"));
    assert_false(VALID("\xC3("));
    assert_false(VALID("\xE2\x82("));
    assert_false(VALID("\xF0\x9F\x98("));
}

static void
a_sequence_cut_short_is_invalid(void **state)
{
    (void)state;
    const char smile[] = "\xF0\x9F\x98\x80";
    for (size_t len = 1; len < 4; len++) {
        assert_false(is_valid(smile, len));
    }
    assert_true(is_valid(smile, 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_one_to_four_bytes_are_valid),
        cmocka_unit_test(lone_surrogates_are_valid),
        cmocka_unit_test(what_no_encoder_writes_is_invalid),
        cmocka_unit_test(a_sequence_cut_short_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
