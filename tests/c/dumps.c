// SPDX-License-Identifier: Apache-2.0
#include "dumps.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

enum { LINE_MAX_LEN = 1 << 18 };

/* Grows an owned array by one item, which is zero. */
static void *
add_item(void *items, size_t *len, size_t size)
{
    char *grown = realloc(items, (*len + 1) * size);
    assert_non_null(grown);
    memset(grown + *len * size, 0, size);
    (*len)++;
    return grown;
}

static unsigned char *
read_hex(const char *word, size_t *len)
{
    *len = word[0] == '-' ? 0 : strlen(word) / 2;
    unsigned char *bytes = malloc(*len == 0 ? 1 : *len);
    assert_non_null(bytes);
    for (size_t i = 0; i < *len; i++) {
        const char digits[3] = {word[2 * i], word[2 * i + 1], 0};
        bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return bytes;
}

static void
read_instr(dumped_code *code, const char *words)
{
    code->instrs =
        add_item(code->instrs, &code->instrs_len, sizeof(*code->instrs));
    dumped_instr *at = &code->instrs[code->instrs_len - 1];
    int found = sscanf(words,
                       "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNd64
                       " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
                       &at->unit, &at->op, &at->oparg, &at->target, &at->line,
                       &at->end_line, &at->column, &at->end_column);
    assert_int_equal(8, found);
}

static void
read_handler(dumped_code *code, const char *words)
{
    code->handlers =
        add_item(code->handlers, &code->handlers_len, sizeof(*code->handlers));
    xt_exctable_range *at = &code->handlers[code->handlers_len - 1];
    uint32_t depth;
    char lasti[6];
    int found =
        sscanf(words, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %5s",
               &at->start, &at->end, &at->target, &depth, lasti);
    assert_int_equal(5, found);
    at->depth = 2 * depth + (strcmp(lasti, "True") == 0);
}

static void
read_line(dump *into, char *line)
{
    char *rest = strchr(line, ' ');
    if (rest == NULL) {
        assert_string_equal("end", line);
        return;
    }
    *rest++ = '\0';
    dumped_code *code = into->len == 0 ? NULL : &into->codes[into->len - 1];
    if (strcmp(line, "version") == 0) {
        assert_int_equal(into->minor, atoi(rest));
    }
    else if (strcmp(line, "code") == 0) {
        into->codes = add_item(into->codes, &into->len, sizeof(*into->codes));
        code = &into->codes[into->len - 1];
        int found =
            sscanf(rest, "%119s %d", code->name, &code->view.first_line);
        assert_int_equal(2, found);
        code->view.ops = xt_opcodes_for(into->minor);
    }
    else if (strcmp(line, "bytecode") == 0) {
        code->view.code = read_hex(rest, &code->view.code_len);
    }
    else if (strcmp(line, "locations") == 0) {
        code->view.locations = read_hex(rest, &code->view.locations_len);
    }
    else if (strcmp(line, "exceptions") == 0) {
        code->view.exceptions = read_hex(rest, &code->view.exceptions_len);
    }
    else if (strcmp(line, "instr") == 0) {
        read_instr(code, rest);
    }
    else {
        assert_string_equal("handler", line);
        read_handler(code, rest);
    }
}

dump
dumps_read(int minor)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/cpython-3.%d.txt", XT_DUMPS, minor);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fail_msg("cannot open %s", path);
    }
    char *line = malloc(LINE_MAX_LEN);
    assert_non_null(line);
    dump result = {.minor = minor};
    while (fgets(line, LINE_MAX_LEN, file) != NULL) {
        size_t len = strcspn(line, "\n");
        assert_int_equal('\n', line[len]);
        line[len] = '\0';
        read_line(&result, line);
    }
    free(line);
    fclose(file);
    assert_true(result.len > 40);
    return result;
}

void
dumps_free(dump *of)
{
    for (size_t i = 0; i < of->len; i++) {
        dumped_code *code = &of->codes[i];
        free((void *)code->view.code);
        free((void *)code->view.locations);
        free((void *)code->view.exceptions);
        free(code->instrs);
        free(code->handlers);
    }
    free(of->codes);
    *of = (dump){0};
}
