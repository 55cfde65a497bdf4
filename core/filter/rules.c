// SPDX-License-Identifier: Apache-2.0
#include "rules.h"

#include <string.h>

#include "mem.h"

static void
list_fini(xt_rule_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        xt_free(list->items[i].bytes);
    }
    xt_free(list->items);
}

void
xt_rules_fini(xt_rules *rules)
{
    list_fini(&rules->modules);
    list_fini(&rules->folders);
    *rules = (xt_rules){0};
}

static xt_status
list_add(xt_rule_list *list, xt_span text)
{
    xt_rule *items =
        xt_grow(list->items, &list->cap, list->len + 1, sizeof(*items));
    if (items == NULL) {
        return XT_NOMEM;
    }
    list->items = items;
    char *bytes = xt_malloc(text.len);
    if (bytes == NULL) {
        return XT_NOMEM;
    }
    if (text.len > 0) {
        memcpy(bytes, text.bytes, text.len);
    }
    items[list->len++] = (xt_rule){.bytes = bytes, .len = text.len};
    return XT_OK;
}

xt_status
xt_rules_ignore_module(xt_rules *rules, xt_span name)
{
    return list_add(&rules->modules, name);
}

xt_status
xt_rules_ignore_folder(xt_rules *rules, xt_span folder)
{
    return list_add(&rules->folders, folder);
}

/* Whether `text` is `rule`, a separator and more. */
static bool
lies_below(const xt_rule *rule, xt_span text, char separator)
{
    return text.len > rule->len && text.bytes[rule->len] == separator &&
           memcmp(text.bytes, rule->bytes, rule->len) == 0;
}

bool
xt_rules_covers_module(const xt_rules *rules, xt_span name)
{
    for (size_t i = 0; i < rules->modules.len; i++) {
        const xt_rule *rule = &rules->modules.items[i];
        bool named = name.len > 0 && name.len == rule->len &&
                     memcmp(name.bytes, rule->bytes, rule->len) == 0;
        if (named || (rule->len > 0 && lies_below(rule, name, '.'))) {
            return true;
        }
    }
    return false;
}

bool
xt_rules_covers_file(const xt_rules *rules, xt_span path, char separator)
{
    for (size_t i = 0; i < rules->folders.len; i++) {
        if (lies_below(&rules->folders.items[i], path, separator)) {
            return true;
        }
    }
    return false;
}
