// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "mem.h"
#include "rules.h"

static xt_span
span(const char *text)
{
    return (xt_span){text, strlen(text)};
}

static void
no_rules_ignore_nothing(void **state)
{
    (void)state;
    xt_rules rules = {0};
    assert_false(xt_rules_covers_module(&rules, span("json")));
    assert_false(xt_rules_covers_file(&rules, span("/a/b.py"), '/'));
    xt_rules_fini(&rules);
}

static void
a_module_rule_covers_what_lies_below_it(void **state)
{
    (void)state;
    xt_rules rules = {0};
    assert_int_equal(XT_OK, xt_rules_ignore_module(&rules, span("cmp")));
    assert_int_equal(XT_OK, xt_rules_ignore_module(&rules, span("a.b")));
    assert_int_equal(XT_OK, xt_rules_ignore_module(&rules, span("")));
    assert_true(xt_rules_covers_module(&rules, span("cmp")));
    assert_true(xt_rules_covers_module(&rules, span("cmp.fast.inner")));
    assert_false(xt_rules_covers_module(&rules, span("cmpcache")));
    assert_false(xt_rules_covers_module(&rules, span("cm")));
    assert_true(xt_rules_covers_module(&rules, span("a.b.c")));
    assert_false(xt_rules_covers_module(&rules, span("a")));
    assert_false(xt_rules_covers_module(&rules, span("")));
    assert_false(xt_rules_covers_module(&rules, span(".cmp")));
    xt_rules_fini(&rules);
}

static void
a_folder_rule_covers_what_lies_below_it(void **state)
{
    (void)state;
    xt_rules rules = {0};
    assert_int_equal(XT_OK, xt_rules_ignore_folder(&rules, span("/usr/lib")));
    assert_true(xt_rules_covers_file(&rules, span("/usr/lib/a.py"), '/'));
    assert_true(xt_rules_covers_file(&rules, span("/usr/lib/a/b.py"), '/'));
    assert_false(xt_rules_covers_file(&rules, span("/usr/lib.py"), '/'));
    assert_false(xt_rules_covers_file(&rules, span("/usr/lib"), '/'));
    assert_false(xt_rules_covers_file(&rules, span("usr/lib/a.py"), '/'));
    assert_false(xt_rules_covers_file(&rules, span("/usr/lib/a.py"), '\\'));
    assert_int_equal(XT_OK, xt_rules_ignore_folder(&rules, span("")));
    assert_true(xt_rules_covers_file(&rules, span("/etc/a.py"), '/'));
    xt_rules_fini(&rules);
}

static void
a_failed_allocation_leaves_the_rules_as_they_were(void **state)
{
    (void)state;
    xt_status status = XT_NOMEM;
    for (long successes = 0; status != XT_OK; successes++) {
        xt_rules rules = {0};
        xt_mem_fail_after(successes);
        status = xt_rules_ignore_module(&rules, span("cmp"));
        xt_mem_fail_after(-1);
        assert_int_equal(status == XT_OK,
                         xt_rules_covers_module(&rules, span("cmp")));
        assert_int_equal(XT_OK, xt_rules_ignore_module(&rules, span("cmp")));
        assert_true(xt_rules_covers_module(&rules, span("cmp.x")));
        xt_rules_fini(&rules);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rules_ignore_nothing),
        cmocka_unit_test(a_module_rule_covers_what_lies_below_it),
        cmocka_unit_test(a_folder_rule_covers_what_lies_below_it),
        cmocka_unit_test(a_failed_allocation_leaves_the_rules_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
