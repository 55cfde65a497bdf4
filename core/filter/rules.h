// SPDX-License-Identifier: Apache-2.0
/* Which modules and files are not wanted.
 *
 * A rule names a module, and so all modules below it, or a folder, and so all
 * files below it. The caller asks once per file and keeps the answer.
 */
#ifndef XT_RULES_H
#define XT_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "status.h"

/* A run of bytes that need not end in NUL. */
typedef struct {
    const char *bytes; /* borrowed */
    size_t len;
} xt_span;

typedef struct {
    char *bytes; /* owned */
    size_t len;
} xt_rule;

typedef struct {
    xt_rule *items; /* owned */
    size_t len;
    size_t cap;
} xt_rule_list;

/* Zero is a valid empty set of rules, which ignores nothing. */
typedef struct {
    xt_rule_list modules; /* dotted names */
    xt_rule_list folders; /* without a separator at the end */
} xt_rules;

void xt_rules_fini(xt_rules *rules);

/* Add a rule; the bytes are copied. XT_NOMEM leaves the rules as they were.
   An empty name is a rule that matches nothing. */
xt_status xt_rules_ignore_module(xt_rules *rules, xt_span name);
xt_status xt_rules_ignore_folder(xt_rules *rules, xt_span folder);

/* Whether the module is named by a rule or lies below one that is: "cmp"
   covers "cmp" and "cmp.fast", not "cmpcache". */
bool xt_rules_covers_module(const xt_rules *rules, xt_span name);

/* Whether the file lies below a folder that a rule names, comparing the
   spelling as it stands: "/usr/local" covers "/usr/local/a.py", not
   "/usr/local.py". `separator` parts folders. */
bool xt_rules_covers_file(const xt_rules *rules, xt_span path, char separator);

#endif
