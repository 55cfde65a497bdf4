// SPDX-License-Identifier: Apache-2.0
/* Small texts with the lines that are docstrings; tests/py holds the scanner
   against Python's own tokenizer. */
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docstrings.h"
#include "mem.h"

/* Checks that exactly the lines in `expected`, a string of digits, are found
   by the tokenizer of that minor version. */
static void
check(const char *text, int minor, const char *expected)
{
    size_t len = strlen(text);
    char *copy = malloc(len == 0 ? 1 : len);
    memcpy(copy, text, len);
    xt_bitset lines = {0};
    assert_int_equal(XT_OK, xt_docstrings_find(copy, len, minor, &lines));
    char found[80] = "";
    size_t n = 0;
    for (size_t line = 0; xt_bitset_next(&lines, &line); line++) {
        assert_true(line < 10 && n < sizeof(found) - 1);
        found[n++] = (char)('0' + line);
    }
    found[n] = '\0';
    if (strcmp(found, expected) != 0) {
        print_error("in version 3.%d of:\n%s\n", minor, text);
    }
    assert_string_equal(expected, found);
    xt_bitset_fini(&lines);
    free(copy);
}

static void
check_all(const char *text, const char *expected)
{
    for (int minor = 11; minor <= 15; minor++) {
        check(text, minor, expected);
    }
}

static void
the_first_string_of_a_text_counts(void **state)
{
    (void)state;
    check_all("", "");
    check_all("'doc'", "1");
    check_all("'doc'\n'more'\n", "1");
    check_all("\"\"\"a\nb\nc\"\"\"\nx = 1\n", "123");
    check_all("'a' 'b'\n", "1");
    check_all("('a')\n", "");
    check_all("\n'doc'\n", "");
    check_all("# comment\n'doc'\n", "");
    check_all("\\\n'doc'\n", "2");
    check_all("x = 1\n'doc'\n", "");
}

static void
a_string_after_an_indent_counts(void **state)
{
    (void)state;
    check_all("def f():\n    'doc'\n    'no'\n", "2");
    check_all("def f():\n\n    # c\n    '''d\n    e'''\n", "45");
    check_all("if x:\n  'yes'\nelse:\n\t'yes'\n", "24");
    check_all("def f(): 'no'\n", "");
    check_all("def f():\n    x\n'no'\n", "");
    check_all(
        "class A:\n  def f():\n    'yes'\n  'no'\n  def g():\n   'yes'\n",
        "36");
    check_all("if x:\n  if y:\n    z\n  'no'\n", "");
    check_all("if x:\n    'a' + 'b'\n", "2");
    check_all("if x:\n    'a\\\nb'; y\n", "23");
}

static void
every_prefix_is_known(void **state)
{
    (void)state;
    check_all("if x:\n  b'y'\n", "2");
    check_all("if x:\n  Rb'y'\n", "2");
    check_all("if x:\n  U'y'\n", "2");
    check("if x:\n  rF'y'\n", 11, "2");
    check("if x:\n  rF'y'\n", 12, "");
    check("if x:\n  f'y'\n", 15, "");
    check("if x:\n  t'y'\n", 14, "");
}

static void
what_looks_like_an_end_is_none(void **state)
{
    (void)state;
    check_all("x = (1,\n'no',\n   'no'\n)\n", "");
    check_all("x = [  # )\n 'no'\n]\n", "");
    check_all("x = '#'\nif x:\n 'y'\n", "3");
    check_all("x = '\\''\nif x:\n 'y'\n", "3");
    check_all("x = r'\\'' 'b'\nif x:\n 'y'\n", "3");
    check_all("x = '''\nif x:\n 'no'\n'''\n", "");
    check_all("x = '''a''b'\\'''c'''\nif x:\n 'y'\n", "3");
    check_all("x = 1 + \\\n   2\nif x:\n 'y'\n", "4");
    check_all("x = a if b else'c'\nif x:\n 'y'\n", "3");
    check_all("x = \xc3\xa4\nif x:\n 'y'\n", "3");
}

static void
f_strings_may_hold_anything(void **state)
{
    (void)state;
    static const char tail[] = "\nif x:\n 'y'\n";
    static const char *const parts[] = {
        "x = f'{a}'",
        "x = f'{{'",
        "x = f'}}{{{a}}}'",
        "x = f'{a!r:>{b}}'",
        "x = f'''{a:{b}.{c}}'''",
        "x = f'{a:%H:%M}'",
        "x = f'\\'{a}\\''",
        "x = f'\\N{DIGIT ONE}'",
        "x = rf'\\{a}'",
        "x = f'{(lambda y: 1)(2)}'",
        "x = f'{ {1: 2}[1] }'",
    };
    static const char *const new_parts[] = {
        "x = f'{a['b']}'",
        "x = f'{f'{f'{1}'}'}'",
        "x = f'{'{'}'",
        "x = f'{'''}'''}'",
        "x = f'{'\"'}' f\"{'#'}\"",
        "x = f'{a:{'x'}}'",
        "x = f'{'a' 'b':>{len('}')}}'",
    };
    char text[200];
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        snprintf(text, sizeof(text), "%s%s", parts[i], tail);
        check_all(text, "3");
    }
    for (size_t i = 0; i < sizeof(new_parts) / sizeof(new_parts[0]); i++) {
        snprintf(text, sizeof(text), "%s%s", new_parts[i], tail);
        check(text, 12, "3");
        check(text, 15, "3");
    }
    check("x = f'''{\na # }'''\n}'''\nif x:\n 'y'\n", 13, "5");
    check("x = t'{'a'}'\nif x:\n 'y'\n", 14, "3");
}

static void
a_backslash_before_the_first_token_keeps_the_indent(void **state)
{
    (void)state;
    check_all("if x:\n    \\\n'y'\n", "3");
    /* Up to 3.11 the tokenizer of Python takes the column of the backslash,
       which is 0 here, and so finds an indent on the last line. */
    check("if x:\n  y\n\\\n  z\n  'a'\n", 11, "5");
    check("if x:\n  y\n\\\n  z\n  'a'\n", 12, "");
    check("if x:\n  y\n\\\n\n  'a'\n", 11, "5");
    check("if x:\n  y\n\\\n\n  'a'\n", 12, "");
}

static void
a_form_feed_begins_the_line_anew(void **state)
{
    (void)state;
    check_all("x\n\f'no'\n", "");
    check_all("if x:\n  \f  'y'\n", "2");
}

static void
texts_that_do_not_compile_end_too(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "'",       "'''",      "f'{",    "f'{a:",    "f'{a:{", "\\",
        "'\\",     "f'\\",     "f'\\N{", "(((",      "}}}",    "x = f'}'",
        "if x:\n", "if x:\n ", "#",      "f'{'{'{'", "\t\f\t", "f'{a:'\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int minor = 11; minor <= 15; minor++) {
            xt_bitset lines = {0};
            assert_int_equal(
                XT_OK,
                xt_docstrings_find(texts[i], strlen(texts[i]), minor, &lines));
            xt_bitset_fini(&lines);
        }
    }
    /* Nesting that no compiler accepts must not use up the stack. */
    enum { DEEP = 1000000 };
    char *deep = malloc(DEEP);
    static const char *const units[] = {"f'{", "{", "f'{x:{"};
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(units[i]);
        for (size_t at = 0; at < DEEP; at++) {
            deep[at] = units[i][at % len];
        }
        deep[0] = 'f';
        deep[1] = '"';
        xt_bitset lines = {0};
        assert_int_equal(XT_OK, xt_docstrings_find(deep, DEEP, 14, &lines));
        xt_bitset_fini(&lines);
    }
    free(deep);
}

static void
a_failed_allocation_is_reported(void **state)
{
    (void)state;
    xt_bitset lines = {0};
    xt_mem_fail_after(0);
    xt_status status = xt_docstrings_find("'doc'", 5, 12, &lines);
    xt_mem_fail_after(-1);
    assert_int_equal(XT_NOMEM, status);
    xt_bitset_fini(&lines);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_string_of_a_text_counts),
        cmocka_unit_test(a_string_after_an_indent_counts),
        cmocka_unit_test(every_prefix_is_known),
        cmocka_unit_test(what_looks_like_an_end_is_none),
        cmocka_unit_test(f_strings_may_hold_anything),
        cmocka_unit_test(a_backslash_before_the_first_token_keeps_the_indent),
        cmocka_unit_test(a_form_feed_begins_the_line_anew),
        cmocka_unit_test(texts_that_do_not_compile_end_too),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
